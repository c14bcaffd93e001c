// The tier of shared file systems: runs in namespaces of its own, which `npm run test:volumes` makes and then starts it in.
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    name: 'volumes',
    include: ['tests/volumes/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
