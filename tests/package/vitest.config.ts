// The tier of the package: needs root and its own preparation, so `npm run test:package` starts it.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    name: 'package',
    include: ['tests/package/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    globalSetup: ['tests/package/support/prepare.ts'],
    // Two cores: what packs and what boots would only wait for one another.
    fileParallelism: false,
  },
});
