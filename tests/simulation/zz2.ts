import { upgrade } from '/work/main/tests/simulation/scale.ts';
const [n, by] = [Number(process.argv[2]), process.argv[3] ?? 'rules'];
const t = performance.now();
const { measured, whole } = await upgrade(n, by as 'rules' | 'juju');
console.log(JSON.stringify(measured));
if (process.argv[4])
  for (const h of whole.filter((h) => h.unit.endsWith('/0') || h.unit.endsWith('/1')))
    console.log(h.unit, h.name, h.remoteUnit, h.tools.length, h.upgradeState, h.upgradeStateAfter);
console.log(n, by, (performance.now() - t) / 1000, process.memoryUsage().rss / 1e6);
