import { defineConfig } from 'vitest/config';

/** The suite that needs a real API server: `npm run test:kubernetes`. Each file starts a control plane of its own. */
export default defineConfig({
  test: {
    include: ['test/kubernetes/**/*.kube.ts', 'test/rollout-writes.test.ts', 'src/**/*-real.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
  },
});
