import Stripe from 'stripe';
import { onTestFinished } from 'vitest';
import { createMoneyStore } from '../../src/adapters/postgres/stripe/money-store.ts';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { createStripePort } from '../../src/adapters/stripe/money-in.ts';
import { createWebhookVerifier } from '../../src/adapters/stripe/webhook-verifier.ts';
import { addressOf } from '../../src/domain/ids.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { autoTopUp } from '../../src/pipeline/stripe/auto-top-up.ts';
import type { AccountLabels, MoneyIn } from '../../src/pipeline/stripe/money-in.ts';
import type { AutoTopUp } from '../../src/pipeline/stripe/money-store.ts';
import { processEvent } from '../../src/pipeline/stripe/process-event.ts';
import { receiveWebhook, type WebhookAnswer } from '../../src/pipeline/stripe/receive-webhook.ts';
import { customerOf } from '../../src/pipeline/stripe/start-checkout.ts';
import { Secret } from '../../src/secret.ts';
import type { SandboxOptions, StripeSandbox } from '../../src/stripe-sandbox/sandbox.ts';
import { credit, walletOf } from './credit.ts';
import { openTestLedger, PLAIN_RULESET, START_MS, type TestLedger, USD } from './ledger.ts';
import { startTestStripe, TEST_KEY } from './stripe.ts';

/** What webhooks of the tests are signed with: the second is the one before. */
export const WEBHOOK_SECRET = 'whsec_test_current_secret';
export const OLD_WEBHOOK_SECRET = 'whsec_test_secret_before';

type Label = Parameters<AccountLabels['label']>[0];

/** Money in on a real database, with the real SDK talking to the sandbox. */
export interface TestMoney extends MoneyIn {
  readonly ledger: TestLedger;
  readonly sandbox: StripeSandbox;
  readonly sdk: Stripe;
  readonly given: readonly Label[];
  /** Moves both clocks. */
  readonly advance: (ms: number) => void;
  /** A confirmed account with a card saved at Stripe. */
  readonly withCard: (account: string, card?: string) => Promise<{ readonly customer: string; readonly card: string }>;
  readonly setAuto: (account: string, over?: Partial<AutoTopUp>) => Promise<bigint>;
  /** Sends stored events of the sandbox through the webhook, signed. */
  readonly send: (event: Stripe.Event, over?: SendOptions) => Promise<WebhookAnswer>;
  /** Works off every event that waits, in the order of the list or of arrival. */
  readonly drain: (order?: readonly string[]) => Promise<void>;
  /** Every event of the sandbox, oldest first. */
  readonly events: () => readonly Stripe.Event[];
  /** Whole dollars on an account's wallet. */
  readonly dollars: (account: string) => Promise<number>;
  readonly openCases: () => Promise<readonly string[]>;
}

export interface SendOptions {
  readonly secret?: string;
  readonly timestamp?: number;
  readonly body?: string;
  readonly shape?: 'snapshot' | 'thin';
}

/** Opens money in until the test ends. */
export async function openMoneyIn(
  options: {
    readonly ledger?: TestLedger;
    readonly warningFreezeHours?: number | null;
    readonly radar?: NonNullable<SandboxOptions['radar']>;
    readonly seed?: number;
  } = {},
): Promise<TestMoney> {
  const ledger = options.ledger ?? (await openTestLedger());
  let nowMs = START_MS;
  // Every call and every answer passes the contract that is derived from the installed SDK.
  const fake = await startTestStripe({
    ...(options.radar === undefined ? {} : { radar: options.radar }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  });
  onTestFinished(() => fake.close());
  const { sandbox } = fake;
  // The first call waits until the contract's checks are compiled.
  const sdk = createStripeClient({
    secretKey: TEST_KEY,
    apiUrl: fake.url,
    networkRetries: 0,
    backOff: { delaysMs: [] },
    timeoutMs: 50_000,
  });
  const given: Label[] = [];
  const store = createMoneyStore(ledger.pool);
  const now = () => nowMs;
  const money: MoneyIn = {
    stripe: createStripePort(sdk, { isLive: false }),
    store,
    admin: ledger.admin,
    labels: {
      async label(label) {
        if (!given.some(({ key }) => key === label.key)) given.push(label);
      },
    },
    overdraftNanos: () => PLAIN_RULESET.overdraftNanos,
    warningFreezeHours: () => options.warningFreezeHours ?? null,
    returnUrls: () => ({ successUrl: 'https://example.com/paid', cancelUrl: 'https://example.com/canceled' }),
    now,
  };
  const verifier = createWebhookVerifier({
    snapshot: [new Secret(WEBHOOK_SECRET), new Secret(OLD_WEBHOOK_SECRET)],
    thin: [new Secret(WEBHOOK_SECRET)],
  });
  return {
    ...money,
    ledger,
    sandbox,
    sdk,
    given,
    advance(ms) {
      nowMs += ms;
      fake.setNow(nowMs);
      sandbox.control.tick();
    },
    async withCard(account, card = 'pm_card_visa') {
      const { customer } = await customerOf(money, 'default', account);
      const method = await sdk.paymentMethods.attach(card, { customer });
      await store.customers.saveCard(customer, method.id, nowMs);
      return { customer, card: method.id };
    },
    async setAuto(account, over = {}) {
      const { walletId } = addressOf('default', account, 'USD');
      await store.auto.set(
        {
          walletId,
          tenant: 'default',
          account,
          currency: 'USD',
          isOn: true,
          thresholdNanos: 10n * USD,
          amountNanos: 50n * USD,
          dailyCapNanos: 200n * USD,
          burstMax: 3,
          burstWindowMs: HOUR_MS,
          updatedBy: 'test',
          ...over,
        },
        nowMs,
      );
      return walletId;
    },
    send(event, over = {}) {
      const payload = over.body ?? JSON.stringify(event);
      const timestamp = over.timestamp ?? Math.floor(nowMs / 1_000);
      const signature = Stripe.webhooks.generateTestHeaderString({
        payload,
        secret: over.secret ?? WEBHOOK_SECRET,
        timestamp,
      });
      const shape = over.shape ?? 'snapshot';
      return receiveWebhook({ verifier, store, now }, { shape, body: Buffer.from(payload), signature });
    },
    async drain(order) {
      const ids =
        order ?? (await store.events.list({ status: 'waiting', limit: 500 })).map(({ eventId }) => eventId).reverse();
      for (const id of ids) await processEvent(money, id);
    },
    events: () => sandbox.world.events.all(),
    async dollars(account) {
      return Number((await walletOf(ledger, account)).posted) / Number(USD);
    },
    async openCases() {
      return (await store.cases({ status: 'open', limit: 100 })).map(({ kind }) => kind).sort();
    },
  };
}

/** A paid automatic top-up of 50 dollars on a wallet that had one. */
export async function paid(money: TestMoney, account = 'acme', card?: string) {
  await credit(money.ledger, account, 1);
  await money.withCard(account, card);
  const walletId = await money.setAuto(account);
  const topUp = await autoTopUp(money, walletId);
  if (topUp?.paymentIntent == null) throw new Error('nothing was charged');
  return { ...topUp, paymentIntent: topUp.paymentIntent };
}

/** Every event of the sandbox through the webhook and the queue, so many times each. */
export async function deliverAll(money: TestMoney, copies = 1): Promise<void> {
  for (const event of money.events()) for (let copy = 0; copy < copies; copy++) await money.send(event);
  await money.drain();
}
