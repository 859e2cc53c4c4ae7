import { defineConfig } from 'vitest/config';

/** `npm run test:envoy`: the suite that needs a real Envoy. */
export default defineConfig({
  test: {
    include: ['test/envoy/**/*.envoy.ts'],
    testTimeout: 300_000,
    hookTimeout: 60_000,
    maxWorkers: 1,
  },
});
