import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import { Secret } from '../secret.ts';
import { type StripeSandbox, startStripeSandbox } from '../stripe-sandbox/sandbox.ts';

/** Taken if it is free; another free port otherwise. */
const PORT = 12_111;
const KEY = 'sk_test_sandbox';
const SAVED_EVERY_MS = 5_000;
const FILE = 'stripe-sandbox.json';

type StripeConfig = Pick<
  Config,
  'stripeSecretKey' | 'stripeApiUrl' | 'stripeWebhookSecrets' | 'stripeThinWebhookSecrets'
>;

/** A fake Stripe beside the pipeline. */
export interface LocalStripe {
  readonly url: string;
  /** What the environment would say for a real Stripe account. */
  readonly config: StripeConfig;
  /** Has webhooks sent to the HTTP edge. */
  readonly connect: (httpUrl: string) => void;
  /** What somebody who has just started it can do. */
  readonly summary: readonly string[];
  readonly close: () => Promise<void>;
}

/** Starts the sandbox of `start --stripe-sandbox local`; its memory is kept in the data directory. */
export async function openLocalStripe(options: {
  readonly config: Pick<Config, 'dataDir' | 'stripeSecretKey'>;
  readonly now: () => number;
  readonly onProblem: (what: string, error: unknown) => void;
}): Promise<LocalStripe> {
  const { config, now, onProblem } = options;
  if (/^.k_live_/.test(config.stripeSecretKey?.reveal() ?? '')) {
    throw new AppError('STRIPE_LIVE_KEY', 'STRIPE_SECRET_KEY is a live key, and a sandbox was asked for', {
      fix: 'Unset STRIPE_SECRET_KEY to play with the sandbox.',
    });
  }
  const file = join(config.dataDir, FILE);
  const saved = await readSaved(file);
  // Another seed each time: after a crash no id may come again that the books know already.
  const start = (port: number) =>
    startStripeSandbox({ now, signedAt: now, seed: randomInt(2 ** 32), port, saved, webhooks: 'auto' });
  const sandbox = await start(PORT).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return start(0);
    throw error;
  });
  const keeper = keepSaved(sandbox, file, onProblem);
  const [snapshot, thin] = [webhookSecret(), webhookSecret()];
  return {
    url: sandbox.url,
    config: {
      stripeSecretKey: new Secret(KEY),
      stripeApiUrl: sandbox.url,
      stripeWebhookSecrets: [new Secret(snapshot)],
      stripeThinWebhookSecrets: [new Secret(thin)],
    },
    connect(httpUrl) {
      sandbox.listenTo({ kind: 'snapshot', url: `${httpUrl}/webhooks/stripe`, secret: snapshot });
      sandbox.listenTo({ kind: 'thin', url: `${httpUrl}/webhooks/stripe/thin`, secret: thin });
    },
    summary: summaryOf(sandbox.url),
    async close() {
      await sandbox.close();
      await keeper.close();
    },
  };
}

function summaryOf(url: string): readonly string[] {
  return [
    `Stripe sandbox on ${url}: a fake on this machine, no money moves. In another terminal:`,
    `  export STRIPE_SECRET_KEY=${KEY} STRIPE_API_URL=${url}`,
    '  tollkeeper topup checkout acme "50.00 USD"   # open the page it names, pay with a test card',
    '  tollkeeper wallet show acme                  # the credit is there',
    `  ${url}/ is bank, cardholder and Dashboard: disputes, fraud warnings, reviews, time.`,
  ];
}

function webhookSecret(): string {
  return `whsec_${randomBytes(24).toString('base64url')}`;
}

async function readSaved(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new AppError('FILE_UNREADABLE', `${file} cannot be read`, { cause });
  }
}

/** Writes the sandbox's memory when something has changed, and once more at the end. */
function keepSaved(sandbox: StripeSandbox, file: string, onProblem: (what: string, error: unknown) => void) {
  let written = -1;
  let writing = Promise.resolve();
  const changes = () => sandbox.world.events.size + sandbox.api.writes;
  const write = async () => {
    if (changes() === written) return;
    written = changes();
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(`${file}.new`, sandbox.save(), { mode: 0o600 });
    await rename(`${file}.new`, file);
  };
  const queue = () => {
    writing = writing.then(write).catch((error: unknown) => onProblem('keeping the Stripe sandbox', error));
    return writing;
  };
  const timer = setInterval(queue, SAVED_EVERY_MS);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      written = -1;
      await queue();
    },
  };
}
