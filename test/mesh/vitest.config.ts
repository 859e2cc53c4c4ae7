import { defineConfig } from 'vitest/config';

/** The suite that needs a real mesh: `npm run test:mesh` starts it, in a network namespace of its own. All files share one mesh. */
export default defineConfig({
  test: {
    include: ['test/mesh/**/*.mesh.ts'],
    globalSetup: ['test/mesh/global-setup.ts'],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    maxWorkers: 1,
  },
});
