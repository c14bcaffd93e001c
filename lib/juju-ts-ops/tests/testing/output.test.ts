import { describe, expect, it } from 'vitest';
import { deployed, one } from './fixtures.ts';

describe('what a hook prints', () => {
  it('is logged under its name: stdout at DEBUG, stderr at WARNING, long lines in parts', () => {
    const { juju } = deployed(1);
    juju.configure('app', { text: 'x' });
    const before = juju.log.length;
    one(juju, 'app/0', () => ({ exitCode: 0, stdout: `a\n\nb`, stderr: `${'w'.repeat(5_000)}\n` }));
    const module = 'unit.app/0.config-changed';
    expect(juju.log.slice(before)).toMatchObject([
      { unit: 'app/0', module, level: 'DEBUG', text: 'a' },
      { level: 'DEBUG', text: 'b' },
      { module, level: 'WARNING', text: 'w'.repeat(4_096) },
      { level: 'WARNING', text: 'w'.repeat(904) },
    ]);
  });
});
