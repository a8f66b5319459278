import type Stripe from 'stripe';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { Secret } from '../../src/secret.ts';
import { type SandboxOptions, type StripeSandbox, startStripeSandbox } from '../../src/stripe-sandbox/sandbox.ts';
import { ContractChecker } from './stripe-contract/checker.ts';
import { loadContract } from './stripe-contract/load.ts';
import { type ContractServer, startContractServer } from './stripe-contract/server.ts';

/** Any test key does for the sandbox. */
export const TEST_KEY = new Secret('sk_test_sandbox');
export const STRIPE_START_MS = Date.UTC(2026, 2, 2, 9);

/** A fake Stripe behind the contract of the installed SDK, and a client that talks to it. */
export interface TestStripe {
  readonly sandbox: StripeSandbox;
  readonly contract: ContractServer;
  readonly checker: ContractChecker;
  /** What `STRIPE_API_URL` would be. */
  readonly url: string;
  readonly stripe: Stripe;
  /** Moves the wall clock that the sandbox was given. */
  readonly setNow: (ms: number) => void;
  /** Stops both; fails when an answer or an event was not as Stripe's types say. */
  readonly close: () => Promise<void>;
}

let checker: ContractChecker | undefined;

/** Starts a sandbox for a test: webhooks wait to be delivered, the clock stands still unless `setNow` moves it. */
export async function startTestStripe(options: Partial<SandboxOptions> = {}): Promise<TestStripe> {
  let nowMs = STRIPE_START_MS;
  const sandbox = await startStripeSandbox({ now: () => nowMs, webhooks: 'manual', ...options });
  checker ??= new ContractChecker(loadContract());
  const held = checker;
  const contract = await startContractServer(held, sandbox);
  const stripe = createStripeClient({
    secretKey: TEST_KEY,
    apiUrl: contract.url,
    networkRetries: 0,
    // On a busy machine the first answers wait for the contract to be compiled.
    timeoutMs: 60_000,
    backOff: { delaysMs: [] },
  });
  return {
    sandbox,
    contract,
    checker: held,
    url: contract.url,
    stripe,
    setNow(ms) {
      nowMs = ms;
    },
    async close() {
      await contract.close();
      await sandbox.close();
      const events = sandbox.world.events.all().flatMap((event) => held.eventProblems(event));
      const problems = [...contract.violations, ...events];
      if (problems.length > 0) throw new Error(`the sandbox broke the contract:\n${problems.slice(0, 20).join('\n')}`);
    },
  };
}
