import { describe, expect, test } from 'vitest';
import { normal } from './support/normal.ts';
import { hookTools } from './support/recorded.ts';
import { type CallReplayed, replay } from './support/replay.ts';

/** The fake does not answer as Juju did, and why. A listed call that begins to match has to be taken off. */
const listed: readonly { tool: string; args: readonly string[]; why: string }[] = [
  {
    tool: 'config-get',
    args: ['--help'],
    why: 'help texts are for people; one of forty was recorded. The fake refuses with NotModelled.',
  },
];

const isListed = ({ call }: CallReplayed) =>
  listed.some(({ tool, args }) => tool === call.tool && args.join('\n') === call.args.join('\n'));

/** A tool that does not exist: the words are the shell's, or the recorder's. */
const words = ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) =>
  code === 127 ? { code } : { code, stdout: normal(stdout), stderr: normal(stderr) };

describe('hook tools answer as those of Juju 4.0.15 did: same stdout, stderr and exit code', () => {
  const { calls } = replay();
  const of = (context: string) => calls.filter((each) => each.context === context);

  test.each(Object.keys(hookTools))('%s', (context) => {
    const replayed = of(context);
    expect(replayed.map(({ index }) => index)).toEqual(hookTools[context]?.calls.map((_, index) => index));
    for (const { index, call, answer } of replayed.filter((each) => !isListed(each))) {
      const { tool, args } = call;
      expect({ index, tool, args, ...words(answer) }).toEqual({ index, tool, args, ...words(call) });
    }
  });

  test('what is listed as different is different', () => {
    const same = calls
      .filter(isListed)
      .filter(({ call, answer }) => JSON.stringify(words(call)) === JSON.stringify(words(answer)));
    expect(same.map(({ context, index }) => `${context} ${index}`)).toEqual([]);
  });

  test('1,906 calls were replayed, 1,900 of them to the byte', () => {
    expect([calls.length, calls.filter((each) => !isListed(each)).length]).toEqual([1906, 1900]);
  });
});
