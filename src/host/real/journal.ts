// A service's own log lines since it was started, out of the journal.
import type { Commands } from '../host.ts';

const readMs = 20_000;
/** The newest lines that are kept: a question is "did it say so", not "all that it ever said". */
const linesAtMost = 1000;

/** Lines of the invocation that contain one of `containing`, oldest first, the newest thousand at most; none for a
 * service that never ran. Throws when the journal cannot be read. */
export async function journalOf(
  commands: Commands,
  invocation: string,
  containing: readonly string[],
): Promise<string[]> {
  if (!/^[0-9a-f]{32}$/.test(invocation) || containing.length === 0) return [];
  const base = ['--no-pager', '--quiet', '--output=cat', `_SYSTEMD_INVOCATION_ID=${invocation}`];
  // With --grep, --lines counts from the newest, which comes first then (systemd 252 does so unasked): asked for, so that
  // the order is the same with every systemd, and turned round below.
  const args = [
    ...base,
    `--lines=${linesAtMost}`,
    '--reverse',
    `--grep=${containing.map(literal).join('|')}`,
  ];
  const answer = await commands.run('journalctl', args, { timeoutMs: readMs });
  // --grep with no match ends with 1, in silence.
  if (answer.code !== 0 && !(answer.code === 1 && answer.stderr.trim() === '')) {
    throw new Error(
      `journalctl ${args.join(' ')} failed with exit code ${answer.code}: ${answer.stderr.trim()}`,
    );
  }
  const newestFirst = answer.stdout.split('\n');
  return newestFirst.filter((line) => containing.some((text) => line.includes(text))).toReversed();
}

/** For PCRE2: everything but letters, digits and blanks stands for itself only when escaped. */
function literal(text: string): string {
  return text.replace(/[^A-Za-z0-9 _\u0080-\uffff]/g, (character) => `\\${character}`);
}
