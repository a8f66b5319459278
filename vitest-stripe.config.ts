import { defineConfig } from 'vitest/config';

// Needs the internet and a test key of a Stripe account, so it is no part of `npm test`.
export default defineConfig({
  test: { include: ['test/live/**/*.test.ts'], testTimeout: 120_000, passWithNoTests: false },
});
