// The packed executable, killed with SIGKILL after each of its effects on files and programs in turn: Juju runs the hook
// again, it completes, and the volume is whole at every moment. LAB_FULL=1: every effect; else every 11th, or LAB_STRIDE=N: every N-th.
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createHost } from '../../src/host/real/index.ts';
import { verifyRelease } from '../../src/release/manifest.ts';
import {
  architecture,
  application,
  type ConcourseLab,
  concourseLab,
  settled,
} from './support/concourse-lab.ts';

const preload = pathToFileURL(join(import.meta.dirname, 'support/kill-at.mjs')).href;
const stride = process.env['LAB_FULL'] === '1' ? 1 : Number(process.env['LAB_STRIDE'] ?? 11);
/** The first effect to be killed after: with other ones, other effects come to it. */
const from = 1 + (Number(process.env['LAB_FROM'] ?? 0) % stride);
const web = `${application}/0`;

describe('SIGKILL of the packed executable', () => {
  test('after each effect of an installation', async () => {
    const world = await concourseLab(['8.1.0'], { small: true });
    const { lab } = world;
    await world.deploy(1);
    const killed = await inTurn(world, async () => {
      // As before the first installation, but for the goal and the volume's identity.
      await lab.unit(web).systemd.command('systemctl', ['stop', 'concourse-server.service']);
      for (const name of readdirSync(lab.volume)) {
        if (name !== '.volume-id') rmSync(join(lab.volume, name), { recursive: true });
      }
      const before = world.mirror.downloads.length;
      return {
        hook: 'run-commands',
        begin: (environment) => {
          lab.nextHookEnvironment(web, environment);
          void lab.execIn(web, 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch');
        },
        again: async () => void (await lab.execIn(web, 'JUJU_DISPATCH_PATH=hooks/wake ./dispatch')),
        end: () => {
          // A kill after the download costs another one, and no more.
          expect(world.mirror.downloads.length - before).toBeLessThanOrEqual(2);
          return '8.1.0';
        },
      };
    });
    console.log(`${killed} kills in an installation`);
    expect(killed).toBeGreaterThan(10);
  }, 1_500_000);

  test('after each effect of an upgrade, on the installer', async () => {
    const versions = Array.from({ length: 40 }, (_, index) => `8.1.${index}`);
    // The hook that upgrades is the one in which the leader hears of the goal that it has written.
    let environment: Record<string, string> = {};
    const world = await concourseLab(versions, {
      small: true,
      hookEnvironment: (_unit, { name }) => {
        if (name !== 'peers-relation-changed') return {};
        const once = environment;
        environment = {};
        return once;
      },
    });
    const { lab } = world;
    await world.deploy(1);
    let next = 0;
    const killed = await inTurn(world, async () => {
      next += 1;
      if (next === versions.length) await startOver(world, versions[0] ?? '').then(() => (next = 1));
      const version = versions[next] ?? '';
      return {
        hook: 'peers-relation-changed',
        begin: (wanted) => {
          environment = wanted;
          lab.configure(application, { version });
        },
        again: async () => undefined,
        end: () => version,
      };
    });
    console.log(`${killed} kills in upgrades`);
    expect(killed).toBeGreaterThan(10);
  }, 1_500_000);
});

interface Turn {
  /** The first run of it is killed. */
  hook: string;
  /** Leads to the hook that is killed, whose process is to have this environment. */
  begin(environment: Record<string, string>): void;
  /** What Juju does not do by itself: a killed juju-exec is not run again. */
  again(): Promise<void>;
  /** The version that must be installed in the end. */
  end(): string;
}

/** Kills one process after its n-th effect, for growing n, until one has no more effects than that. */
async function inTurn(world: ConcourseLab, prepare: () => Promise<Turn>): Promise<number> {
  const { lab, directory } = world;
  const report = join(directory, 'report');
  let kills = 0;
  for (let n = from; ; n += stride) {
    const turn = await prepare();
    rmSync(report, { force: true });
    const ended = lab.records.length;
    turn.begin({ NODE_OPTIONS: `--import=${preload}`, KILL_AT: String(n), KILL_REPORT: report });
    const first = () => lab.records.slice(ended).find(({ name }) => name === turn.hook);
    const over = () => first()?.exit !== undefined || first()?.signal !== undefined;
    await lab.waitFor(over, 120_000, () => `no ${turn.hook} ended`);
    const last = existsSync(report) ? readFileSync(report, 'utf8').trim() : 'nothing';
    const killed = Number(last.split(' ')[0]) >= n;
    await whole(lab.volume, `killed after effect ${last}`);
    await turn.again();
    await settled(lab);
    await complete(lab.volume, turn.end(), `killed after effect ${last}`);
    if (!killed) return kills;
    kills += 1;
  }
}

/** Invariant 2: what `bin` points at is a complete, verified release. */
async function whole(volume: string, when: string): Promise<void> {
  const bin = join(volume, 'bin');
  if (!existsSync(volume) || !readdirSync(volume).includes('bin')) return;
  const verified = await verifyRelease(createHost().files, join(volume, readlinkSync(bin), '..'), {
    architecture,
    depth: 'contents',
  });
  expect(verified, when).toMatchObject({ ok: true });
}

async function complete(volume: string, version: string, when: string): Promise<void> {
  await whole(volume, when);
  expect(readlinkSync(join(volume, 'bin')), when).toBe(`releases/${version}/bin`);
  expect(readFileSync(join(volume, '.installed_version'), 'utf8'), when).toBe(`${version}\n`);
  const left = readdirSync(volume).filter(
    (name) => name === '.install.lease' || name === '.download_in_progress',
  );
  expect([...left, ...readdirSync(join(volume, '.staging'))], when).toEqual([]);
}

/** Versions only go up: from time to time the volume is emptied, and the first one installed again. */
async function startOver({ lab }: ConcourseLab, version: string): Promise<void> {
  await lab.unit(web).systemd.command('systemctl', ['stop', 'concourse-server.service']);
  for (const name of readdirSync(lab.volume)) {
    if (name !== '.volume-id') rmSync(join(lab.volume, name), { recursive: true });
  }
  lab.configure(application, { version });
  await settled(lab);
}
