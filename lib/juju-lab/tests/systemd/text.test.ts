import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEnvironmentFile } from '../../src/systemd/environment-file.ts';
import { readSettings } from '../../src/systemd/settings.ts';
import { parseUnitText, valuesOf } from '../../src/systemd/unit-file.ts';
import {
  expandSpecifiers,
  expandVariables,
  formatSpan,
  parseSpan,
  splitWords,
} from '../../src/systemd/words.ts';

const unitOf = (text: string) => ({ path: '/x', source: text, ...parseUnitText(text, 'x.service') });

describe('unit files', () => {
  test('a backslash joins lines by a space, comments between them are skipped', () => {
    const unit = unitOf('[Service]\nExecStart=/bin/echo a \\\n# not this\n; nor this\n  b\nType=exec\n');
    expect(valuesOf(unit, 'Service', 'ExecStart').map(splitWords)).toEqual([['/bin/echo', 'a', 'b']]);
    expect(valuesOf(unit, 'Service', 'Type')).toEqual(['exec']);
  });

  test('a repeated key adds up, an empty assignment forgets what came before', () => {
    const unit = unitOf('[Service]\nExecStartPre=a\nExecStartPre=b\nExecStop=x\nExecStop=\nExecStop=y');
    expect(valuesOf(unit, 'Service', 'ExecStartPre')).toEqual(['a', 'b']);
    expect(valuesOf(unit, 'Service', 'ExecStop')).toEqual(['y']);
  });

  test('settings are typed, with systemd’s defaults', () => {
    const settings = readSettings(
      'x.service',
      unitOf('[Service]\nExecStart=/bin/true\nTimeoutStopSec=2min 30s\nKillSignal=USR2'),
    );
    expect(settings).toMatchObject({
      refusal: undefined,
      restart: 'no',
      restartDelayMs: 100,
      startLimitBurst: 5,
      startTimeoutMs: 90_000,
      stopTimeoutMs: 150_000,
      killMode: 'control-group',
      killSignal: 'SIGUSR2',
    });
  });

  test('prefixes of a command are taken off, and what they mean is kept', () => {
    const text =
      '[Service]\nExecStart=/bin/true\nExecStartPre=-+/bin/rm -f "/run/a b"\nExecStop=:/bin/echo $X\nExecReload=@/bin/sh name -c';
    const { commands } = readSettings('x.service', unitOf(text));
    expect(commands.ExecStartPre).toEqual([
      { path: '/bin/rm', words: ['/bin/rm', '-f', '/run/a b'], ignoreFailure: true, expand: true },
    ]);
    expect(commands.ExecStop[0]).toMatchObject({ words: ['/bin/echo', '$X'], expand: false });
    expect(commands.ExecReload[0]).toMatchObject({ path: '/bin/sh', words: ['name', '-c'] });
  });

  test.each([
    ['[Service]\n', 'no ExecStart= setting'],
    ['[Service]\nExecStart=/bin/a\nExecStart=/bin/b', 'more than one ExecStart='],
    ['[Service]\nExecStart=/bin/a\nType=notify', 'Type=notify is not known'],
    ['[Service]\nExecStart=/bin/a\nRuntimeDirectory=x', 'RuntimeDirectory= cannot be carried out'],
    ['[Service]\nExecStart=/bin/a "b', 'unbalanced "'],
    ['[Service]\nExecStart=/bin/a %q', 'the specifier %q'],
    ['[Service]\nExecStart=/bin/a\nEnvironmentFile=relative', 'not an absolute path'],
  ])('%j is refused: %s', (text, reason) => {
    expect(readSettings('x.service', unitOf(text)).refusal).toContain(reason);
  });

  test('an unknown key is a problem, hardening is passed over in silence', () => {
    const text =
      '[Service]\nExecStart=/bin/a\nProtectSystem=strict\nLimitNOFILE=65536\nDelegate=yes\nExcStop=/bin/b';
    const settings = readSettings('x.service', unitOf(text));
    expect(settings.problems).toEqual([
      "x.service: Unknown key name 'ExcStop' in section 'Service', ignoring.",
    ]);
  });
});

describe('words', () => {
  test.each([
    ['a  b', ['a', 'b']],
    [`"a b" 'c d' e"f g"h`, ['a b', 'c d', 'ef gh']],
    [String.raw`a\x20b "\"" \\ \t '\''`, ['a b', '"', '\\', '\t', "'"]],
    ['""', ['']],
  ])('%j is %j', (text, words) => expect(splitWords(text)).toEqual(words));

  test('$X alone is split, ${X} never, $$ is a dollar, an unset $X is no word', () => {
    const environment = { ONE: 'one', TWO: 'two two' };
    expect(
      expandVariables(['$ONE', '$TWO', '${TWO}', 'x${ONE}y', '$$ONE', '$NONE', '${NONE}'], environment),
    ).toEqual(['one', 'two', 'two', 'two two', 'xoney', '$ONE', '']);
  });

  test('specifiers name the unit', () => {
    expect(expandSpecifiers('%n %N %p %i 100%%', 'a@b.service')).toBe('a@b.service a@b a b 100%');
  });

  test.each([
    ['90', 90_000],
    ['2min 30s', 150_000],
    ['100ms', 100],
    ['1.5s', 1500],
    ['infinity', Number.POSITIVE_INFINITY],
  ])('%s is a span', (text, ms) => expect(parseSpan(text)).toBe(ms));

  test('a span is read back from what is printed', () => {
    fc.assert(fc.property(fc.nat(10 ** 9), (ms) => parseSpan(formatSpan(ms)) === ms));
    expect(() => parseSpan('5 apples')).toThrow('not a unit of time');
  });
});

describe('environment files', () => {
  test.each([
    ['A=b c  \n', 'b c'],
    ['A=  b\t\n', 'b'],
    [String.raw`A=a\\b\"c`, String.raw`a\b"c`],
    ['A=a\\\nb', 'ab'],
    ['A=it"s"', 'it"s"'],
    [String.raw`A="a \"b\" \$c \x \\"`, String.raw`a "b" $c \x \\`.slice(0, -1)],
    ['A="line one\nline two"', 'line one\nline two'],
    [`A='$a "b" \\'`, '$a "b" \\'],
    [`A='a' 'b'`, 'ab'],
    ['A=$HOME', '$HOME'],
    ['# c\n;d\n\nA=x # y', 'x # y'],
    ['A=', ''],
  ])('%j gives %j', (text, value) => {
    expect(parseEnvironmentFile(text).assignments).toEqual([['A', value]]);
  });

  test('later lines come later, and what is no name is left out and reported', () => {
    const { assignments, ignored } = parseEnvironmentFile('A=1\nnonsense\nB-C=2\nexport D=3\nA=4');
    expect(assignments).toEqual([
      ['A', '1'],
      ['A', '4'],
    ]);
    expect(ignored).toEqual(['B-C', 'export D']);
  });

  test('any value survives double quotes with " \\ ` $ escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const text = `A="${value.replace(/["\\`$]/g, '\\$&')}"\nB=1\n`;
        expect(parseEnvironmentFile(text).assignments).toEqual([
          ['A', value],
          ['B', '1'],
        ]);
      }),
    );
  });
});
