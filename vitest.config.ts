import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A test takes seconds. The limit is for hangs alone: on a machine whose cores are shared a test may wait minutes.
    testTimeout: 180_000,
    pool: 'forks',
    // Commands that tests start connect to nothing; where this is set, each would read a bundle of certificates first.
    env: { NODE_EXTRA_CA_CERTS: '' },
    maxWorkers: 2,
    reporters: ['default', './test/helpers/summary-reporter.mjs'],
  },
});
