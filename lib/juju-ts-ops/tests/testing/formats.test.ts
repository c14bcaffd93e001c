import { describe, expect, it } from 'vitest';
import { goFloat, render } from '../../testing/formats.ts';
import { parseSettings } from '../../testing/settings-file.ts';

describe('the output of hook tools', () => {
  it('smart: nothing for nil and empty, words for booleans, lines for lists, the rest as YAML', () => {
    expect([null, '', true, false, 'a\n', [], ['a', 'b']].map((value) => render(value, 'smart'))).toEqual([
      '',
      '',
      'True\n',
      'False\n',
      'a\n\n',
      '',
      'a\nb\n',
    ]);
    expect(render({ a: 1, b: { c: ['x'] } }, 'smart')).toBe('a: 1\nb:\n  c:\n  - x\n');
    expect(render({}, 'smart')).toBe('{}\n');
  });

  it('JSON: sorted by the caller, one line, with < > & escaped', () => {
    expect(render({ a: '<&>', n: null }, 'json')).toBe('{"a":"\\u003c\\u0026\\u003e","n":null}\n');
  });

  it('YAML: quotes what would be something else than a string', () => {
    const value = {
      a: '1',
      b: 'yes',
      n: 'no',
      c: 'x: y',
      d: '',
      e: 'two words',
      f: '{"k":1}',
      g: '- x',
      h: '1.5',
    };
    expect(render(value, 'yaml')).toBe(
      'a: "1"\nb: "yes"\n"n": "no"\nc: \'x: y\'\nd: ""\ne: two words\nf: \'{"k":1}\'\ng: \'- x\'\nh: "1.5"\n',
    );
  });

  it('YAML: writes text of several lines as a block', () => {
    expect(render({ a: 'x\ny', b: 'x\n', c: 'x\n\n' }, 'yaml')).toBe(
      'a: |-\n  x\n  y\nb: |\n  x\nc: |+\n  x\n\n',
    );
  });

  it('numbers from a million on turn into exponents in YAML, not in JSON', () => {
    expect([0, 7, 1.5, 999_999, 1_000_000, 3e11, 1_234_567].map(goFloat)).toEqual([
      '0',
      '7',
      '1.5',
      '999999',
      '1e+06',
      '3e+11',
      '1.234567e+06',
    ]);
    expect(render(1_000_000, 'smart')).toBe('1e+06\n');
    expect(render(1_000_000, 'json')).toBe('1000000\n');
  });
});

describe('a settings file', () => {
  const read = (text: string) => Object.fromEntries(parseSettings(text));

  it('keeps the source text of scalars, and takes null for a removal', () => {
    expect(read('{"a":1,"b":true,"d":1.50,"e":"yes","n":null,"t":~}')).toEqual({
      a: '1',
      b: 'true',
      d: '1.50',
      e: 'yes',
      n: '',
      t: '',
    });
    expect(read('')).toEqual({});
    expect(read('a: 1\na: 2')).toEqual({ a: '2' });
    expect(read('{"a":"\u{1F600}"}')).toEqual({ a: '\u{1F600}' });
    expect(read('{"a":"x\u0085y"}')).toEqual({ a: 'x y' });
  });

  it('refuses what Juju’s parser refuses', () => {
    expect(() => read('- a')).toThrow(
      'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]string',
    );
    expect(() => read('x: {y: z}')).toThrow('line 1: cannot unmarshal !!map into string');
    expect(() => read('{"a":"\\ud83d\\ude00"}')).toThrow('found invalid Unicode character escape code');
    expect(() => read('{"a":"\\/"}')).toThrow('found unknown escape character');
    expect(() => read('{"a":"\u007f"}')).toThrow('control characters are not allowed');
    expect(read('{"a":"\\\\/"}')).toEqual({ a: '\\/' });
  });
});
