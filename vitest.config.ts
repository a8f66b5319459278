import { defineConfig } from 'vitest/config';

// A fixed order and seed: a failure that depends on the order must come back when it is looked for.
const sequence = { shuffle: false, concurrent: false };

export default defineConfig({
  test: {
    // Two cores: one worker each. The servers under test need some of them too, so integration runs gain nothing from more.
    maxWorkers: 2,
    passWithNoTests: false,
    allowOnly: false,
    sequence,
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/*.test.ts',
            'test/unit/**/*.test.ts',
            'test/property/**/*.test.ts',
            'test/scenarios/**/*.test.ts',
          ],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          // Pages and plots in the browser that npm brought along: no database, nothing installed.
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          // The first start unpacks 200 MB.
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          // Cold starts, restarts and kill tests on a busy machine with two cores.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
