// The tier of real machines: needs root and its own preparation, so `npm run test:machines` starts it.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    name: 'machines',
    include: process.env['MACHINES_RANDOM']
      ? ['tests/machines/random/random.ts']
      : // Here PostgreSQL is installed, which that test of the tier `unit` does without where it is not.
        ['tests/machines/**/*.test.ts', 'tests/unit/perform/privileges.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 180_000,
    globalSetup: ['tests/machines/support/pack.ts'],
    // Much of a scenario's time is spent in waiting for deadlines and boots.
    maxWorkers: 2,
  },
});
