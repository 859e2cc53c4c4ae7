import { defineConfig } from 'vitest/config';

/** Tests that put another module in the place of one (`vi.mock`): it must not have been loaded before. */
const alone = 'src/**/*.alone.test.ts';

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A lab is a whole mesh in one process, which waits for half of its time: three at a time are what two cores carry.
    maxWorkers: 3,
    projects: [
      // Modules keep no state that a test could leave behind, so that files share a worker and load what they use once.
      {
        extends: true,
        test: { name: 'src', include: ['src/**/*.test.ts'], exclude: [alone], isolate: false },
      },
      { extends: true, test: { name: 'test', include: ['{test,scripts}/**/*.test.ts', alone] } },
    ],
  },
});
