// The test tiers as vitest projects; scripts/test.ts runs them and adds up their numbers.
import { defineConfig } from 'vitest/config';

const tier = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout },
});

export default defineConfig({
  test: {
    projects: [
      tier(
        'unit',
        ['tests/unit/**/*.test.ts', 'lib/*/tests/**/*.test.ts', 'examples/*/tests/**/*.test.ts'],
        20_000,
      ),
      tier(
        'cluster',
        ['tests/cluster/**/*.test.ts', 'tests/contract/**/*.test.ts', 'tests/seeds/**/*.test.ts'],
        60_000,
      ),
      tier('lab', ['tests/lab/**/*.test.ts'], 180_000),
    ],
  },
});
