import { expect, test } from 'vitest';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { loadConfig } from '../../src/config.ts';
import { ContractChecker } from '../support/stripe-contract/checker.ts';
import { loadContract } from '../support/stripe-contract/load.ts';
import { EXERCISE_STEPS, exerciseStripe } from '../support/stripe-exercise.ts';

test('a Stripe sandbox of your own does what ours does', async () => {
  // A live key ends here: the configuration refuses it while tests run, and so does the client.
  const { stripeSecretKey } = loadConfig();
  if (stripeSecretKey === undefined)
    throw new Error('set STRIPE_SECRET_KEY to a key that begins with sk_test_ or rk_test_');
  const stripe = createStripeClient({ secretKey: stripeSecretKey });
  const { steps, problems } = await exerciseStripe(
    stripe,
    new ContractChecker(loadContract()),
    `tollkeeper-${Date.now()}`,
  );
  expect(problems).toEqual([]);
  expect(steps).toEqual(EXERCISE_STEPS);
});
