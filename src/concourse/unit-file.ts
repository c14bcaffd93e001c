// The text of systemd unit files, quoted so that no path or name can be read as anything else.

export type Setting = readonly [key: string, value: string];

/** A `[Unit]`, `[Service]` and `[Install]` file. The header names the Juju unit that owns it. */
export function unitFile(owner: string, sections: Readonly<Record<string, readonly Setting[]>>): string {
  const text = Object.entries(sections).map(
    ([name, settings]) => `[${name}]\n${settings.map(([key, value]) => `${key}=${value}\n`).join('')}`,
  );
  return `# Owner: ${owner}\n# Written by the charm in every hook: put settings of your own into a drop-in.\n\n${text.join('\n')}`;
}

/** A command line: each word as systemd must see it (`%` and `$` doubled, quotes where needed). */
export const commandLine = (...words: readonly string[]): string => words.map(word).join(' ');

function word(text: string): string {
  const literal = text.replace(/%/g, '%%').replace(/\$/g, '$$$$');
  return /^[A-Za-z0-9_@%+=:,./$-]+$/.test(literal) ? literal : `"${literal.replace(/["\\]/g, '\\$&')}"`;
}
