// The YAML files that Juju reads, and the definition that the code is typed from, say the same.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { charmFiles } from 'juju-ts-ops';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { definition } from '../../../src/definition.ts';
import { durationSchema } from '../../../src/duration.ts';

const root = join(import.meta.dirname, '../../..');

describe('the YAML files', () => {
  test.each(['metadata', 'config', 'actions'] as const)('%s.yaml says what the definition says', (name) => {
    expect(parse(readFileSync(join(root, `${name}.yaml`), 'utf8'))).toEqual(charmFiles(definition)[name]);
  });

  test('no sensitive option is a plain string', () => {
    const { options } = parse(readFileSync(join(root, 'config.yaml'), 'utf8'));
    const sensitive = Object.entries<{ type: string }>(options).filter(([name]) =>
      /password|token|key|postgres/.test(name),
    );
    expect(sensitive.map(([, { type }]) => type)).toEqual(['secret']);
  });
});

describe('a span of time', () => {
  test.each([
    ['90s', 90_000],
    ['2m', 120_000],
    ['1h30m', 5_400_000],
    ['1m1s', 61_000],
  ])('%s', (text, ms) => {
    expect(durationSchema.parse(text)).toBe(ms);
  });

  test.each(['', '2', 'm', '2 m', '-1s', '0s', '25h', '2m1h', '1.5m'])('%j is refused', (text) => {
    expect(durationSchema.safeParse(text).success).toBe(false);
  });
});
