// Which settings a release of Concourse has, from its own `--help`: Concourse ignores a variable that it does not know,
// so that a typo would never be found.

/** What `concourse web --help` or `concourse worker --help` names, as environment variables. Hidden ones are not in it.
 *
 * Each flag is also a variable, by its name (`--gc-interval`: CONCOURSE_GC_INTERVAL); the variable itself is printed behind
 * the description, `[$CONCOURSE_GC_INTERVAL]`, broken by hyphens where the column is too narrow (go-flags' help.go). */
export function settingNames(help: string): string[] {
  const flags = [...help.matchAll(/^\s+(?:-\w, )?--([a-z0-9][a-z0-9-]*)/gm)].map(([, flag = '']) => flag);
  const variables = [...help.matchAll(/\[\$((?:\w|-\n\s*)+)\]/g)].map(([, name = '']) =>
    name.replace(/-\n\s*/g, ''),
  );
  return [...new Set([...flags.map(variableOf), ...variables])].sort();
}

/** `gc-interval`: `CONCOURSE_GC_INTERVAL`. */
export const variableOf = (flag: string): string => `CONCOURSE_${flag.replaceAll('-', '_').toUpperCase()}`;

/** `CONCOURSE_GC_INTERVAL`: `gc-interval`. */
export const flagOf = (variable: string): string =>
  variable
    .replace(/^CONCOURSE_/, '')
    .replaceAll('_', '-')
    .toLowerCase();

/** The name that was probably meant: undefined when none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const candidate of names) {
    const distance = editDistance(name, candidate);
    if (best === undefined || distance < best.distance) best = { name: candidate, distance };
  }
  return best !== undefined && best.distance <= Math.max(2, (name.length - 'CONCOURSE_'.length) / 3)
    ? best.name
    : undefined;
}

/** How many characters to insert, drop or exchange. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const exchanged = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(exchanged, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
