// The text of systemd unit files, quoted so that no path or name can be read as anything else.

export type Setting = readonly [key: string, value: string];

/** A `[Unit]`, `[Service]` and `[Install]` file. The header names the Juju unit that owns it. */
export function unitFile(owner: string, sections: Readonly<Record<string, readonly Setting[]>>): string {
  const text = Object.entries(sections).map(
    ([name, settings]) => `[${name}]\n${settings.map(([key, value]) => `${key}=${value}\n`).join('')}`,
  );
  return `# Owner: ${owner}\n# Written by the charm in every hook: put settings of your own into a drop-in.\n\n${text.join('\n')}`;
}

/** Whose a unit file of the charm is: a unit's, or for a mount the application's. */
export const ownerOf = (text: string | undefined): string | undefined =>
  /^# Owner: (\S+)\n/.exec(text ?? '')?.[1];

/** A command line as systemd must see it: `%` doubled, quotes where needed; `$` doubled too, but in the program's own path,
 * where systemd (252) puts nothing in its place. */
export const commandLine = (program: string, ...args: readonly string[]): string =>
  [word(program), ...args.map((arg) => word(arg.replace(/\$/g, '$$$$')))].join(' ');

/** One word of a setting that takes several: a path, with its prefix. */
export function word(text: string): string {
  const literal = text.replace(/%/g, '%%');
  return /^[A-Za-z0-9_@%+=:,./$-]+$/.test(literal) ? literal : `"${literal.replace(/["\\]/g, '\\$&')}"`;
}
