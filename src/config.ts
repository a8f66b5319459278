import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { NOTIFY_VARIABLES, type NotifyConfig, readNotify } from './config/notify.ts';
import {
  integer,
  integerBetween,
  oneOf,
  optional,
  queueWord,
  secretUrl,
  text,
  type Variable,
  webhookSecrets,
} from './config/values.ts';
import { parseMoney } from './domain/money/nanos.ts';
import { DAY_MS } from './domain/time.ts';
import { type MeterTargets, parseMeterTargets } from './domain/usage-export/meter-targets.ts';
import { AppError } from './errors.ts';
import { Secret } from './secret.ts';

export type { Variable } from './config/values.ts';

/** Everything the environment decides. Absent `databaseUrl` and `redisUrl` mean the embedded engine. */
export interface Config extends NotifyConfig {
  readonly databaseUrl: Secret | undefined;
  readonly redisUrl: Secret | undefined;
  readonly dataDir: string;
  /** Where archived days of entries are written and looked for. */
  readonly archiveDir: string;
  /** Port of the embedded PostgreSQL; any free one when undefined. */
  readonly port: number | undefined;
  /** Where HTTP is served: this machine alone when undefined. */
  readonly httpHost: string | undefined;
  /** The usual port, or any free one, when undefined. */
  readonly httpPort: number | undefined;
  /** Requests a minute about one account over HTTP; no such limit when undefined. */
  readonly accountRequestsPerMinute: number | undefined;
  /** The packaged rules when undefined. */
  readonly rulesDir: string | undefined;
  readonly lanes: number;
  readonly lateWindowMs: number;
  /** How long closed holds are kept. */
  readonly holdsKeptMs: number;
  /** From how much money on a freeze or thaw by hand takes two people, in nano-units; one is enough when undefined. */
  readonly fourEyesAboveNanos: bigint | undefined;
  /** Sources that may send an event again under another time; `*` means every source. */
  readonly movingSources: ReadonlySet<string>;
  readonly batchEventsMax: number;
  readonly gatherMs: number;
  /** Usage jobs one worker holds at a time. */
  readonly concurrency: number;
  /** How long a job belongs to a process that has stopped renewing it, such as a killed one. */
  readonly jobLockMs: number;
  /** BullMQ prefix, shared with the producers. */
  readonly queuePrefix: string;
  /** Key of the Stripe account that takes payments; undefined when none does. */
  readonly stripeSecretKey: Secret | undefined;
  /** Secrets that sign snapshot events; several while one is replaced. */
  readonly stripeWebhookSecrets: readonly Secret[];
  /** Secrets that sign thin events. */
  readonly stripeThinWebhookSecrets: readonly Secret[];
  /** A Stripe sandbox on this machine instead of Stripe. */
  readonly stripeApiUrl: string | undefined;
  /** Meters whose usage is exported, and where to; none when undefined. */
  readonly stripeMeters: MeterTargets | undefined;
  /** Where customers reach our HTTP: Stripe's pages send them back there. */
  readonly publicUrl: string | undefined;
  /** What a month of running the service costs, for the cost of an event. */
  readonly ownCostPerMonth: { readonly nanos: bigint; readonly currency: string } | undefined;
  /** Key of the language model's server; undefined when no model is asked, or the server wants none. */
  readonly openaiApiKey: Secret | undefined;
  /** Another server than OpenAI's that speaks the same language. */
  readonly openaiBaseUrl: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Colours may be used where people watch (https://no-color.org). */
  readonly color: boolean;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Every variable that Tollkeeper reads; `.env.example` lists the same ones, held equal by a test. */
export const VARIABLES = {
  DATABASE_URL: secretUrl(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database'),
  REDIS_URL: secretUrl(['redis:', 'rediss:'], 'redis://:password@host:6379/0'),
  TOLLKEEPER_DATA_DIR: text('.tollkeeper', 'Give a directory this user may write to.'),
  TOLLKEEPER_ARCHIVE_DIR: optional(z.string(), 'Give a directory this user may write to.'),
  TOLLKEEPER_PORT: optional(
    integerBetween(1, 65_535),
    'Give a port from 1 to 65535, or leave it empty for a free one.',
  ),
  TOLLKEEPER_HTTP_HOST: optional(
    z.string().regex(/^[\w.:[\]-]{1,255}$/, 'is not a host name or an address'),
    'Give the address to listen on, such as 0.0.0.0; leave it empty for this machine alone.',
  ),
  TOLLKEEPER_HTTP_PORT: optional(
    integerBetween(0, 65_535),
    'Give a port from 1 to 65535, 0 for any free one, or leave it empty for 8377.',
  ),
  TOLLKEEPER_ACCOUNT_REQUESTS: optional(
    integerBetween(1, 600_000),
    'Give requests a minute from 1 to 600000, or leave it empty for no limit.',
  ),
  TOLLKEEPER_RULES_DIR: optional(z.string(), 'Give a directory with ruleset.yaml and pricing.yaml.'),
  TOLLKEEPER_LANES: integer('4', 1, 64),
  TOLLKEEPER_LATE_WINDOW_DAYS: integer('35', 1, 3_650),
  TOLLKEEPER_HOLD_DAYS: integer('90', 35, 3_650),
  TOLLKEEPER_MOVING_SOURCES: optional(
    z.string().transform(
      (list) =>
        new Set(
          list
            .split(',')
            .map((name) => name.trim())
            .filter((name) => name !== ''),
        ),
    ),
    'Give names of sources with commas between them, or * for all.',
  ),
  TOLLKEEPER_BATCH_EVENTS: integer('10000', 1, 100_000),
  TOLLKEEPER_GATHER_MS: integer('5', 0, 1_000),
  TOLLKEEPER_CONCURRENCY: integer('64', 1, 10_000),
  TOLLKEEPER_JOB_LOCK_MS: integer('60000', 1_000, 600_000),
  TOLLKEEPER_QUEUE_PREFIX: queueWord('bull'),
  STRIPE_SECRET_KEY: {
    schema: z
      .string()
      .regex(/^(?:sk|rk)_(?:test|live)_\w{4,255}$/, 'is not a secret key of Stripe')
      .transform((value) => new Secret(value))
      .optional(),
    secret: true,
    fix: 'Copy a secret or restricted key (sk_test_…, rk_live_…) from the Stripe Dashboard; leave it empty for no Stripe.',
  },
  STRIPE_WEBHOOK_SECRET: webhookSecrets(),
  STRIPE_THIN_WEBHOOK_SECRET: webhookSecrets(),
  STRIPE_API_URL: optional(
    z.string().regex(/^https?:\/\/(?:127\.0\.0\.1|localhost)(?::\d{1,5})?\/?$/, 'is not an address of this machine'),
    'Give the address of a Stripe sandbox on this machine, such as http://127.0.0.1:12111; leave it empty for Stripe.',
  ),
  STRIPE_METERS: {
    schema: z
      .string()
      .max(20_000)
      .transform((list, context) => {
        const targets = parseMeterTargets(list);
        if (typeof targets !== 'string') return targets;
        context.addIssue({ code: 'custom', message: targets });
        return z.NEVER;
      })
      .optional(),
    fix: 'Give meters and the event names of meters at Stripe, such as tokens=ai_tokens/1000, images=images; leave it empty to export no usage.',
  },
  TOLLKEEPER_PUBLIC_URL: optional(
    z
      .string()
      .max(500)
      .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
        error: 'is not an address that begins with http:// or https://',
      }),
    'Give the address customers see, such as https://billing.example.com.',
  ),
  TOLLKEEPER_FOUR_EYES_ABOVE: optional(
    z.string().transform((text, context) => {
      const { nanos, currency } = parseMoney(text) ?? {};
      if (nanos !== undefined && nanos >= 0n && currency === undefined) return nanos;
      context.addIssue({ code: 'custom', message: 'is not an amount without a currency' });
      return z.NEVER;
    }),
    'Give an amount such as 1000, in the currency of the wallet; leave it empty where one person may do everything.',
  ),
  TOLLKEEPER_OWN_COST: {
    schema: z
      .string()
      .max(40)
      .transform((text, context) => {
        const { nanos, currency } = parseMoney(text) ?? {};
        if (nanos !== undefined && nanos >= 0n && currency !== undefined) return { nanos, currency };
        context.addIssue({ code: 'custom', message: 'is not an amount with a currency' });
        return z.NEVER;
      })
      .optional(),
    fix: 'Give what a month costs, such as 120 USD; leave it empty to count fees of Stripe alone.',
  },
  ...NOTIFY_VARIABLES,
  OPENAI_API_KEY: {
    schema: z
      .string()
      .regex(/^[\x21-\x7e]{1,500}$/, 'is not a key')
      .transform((value) => new Secret(value))
      .optional(),
    secret: true,
    fix: 'Copy the key of the model server; leave it empty for none.',
  },
  OPENAI_BASE_URL: optional(
    z
      .string()
      .max(500)
      .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
        error: 'is not an address that begins with http:// or https://',
      }),
    'Give the address of a compatible server, such as http://127.0.0.1:11434/v1; leave it empty for OpenAI.',
  ),
  LOG_LEVEL: oneOf(LOG_LEVELS, 'info'),
  LOG_FORMAT: oneOf(LOG_FORMATS, 'auto'),
  NO_COLOR: optional(z.string(), 'Set it to anything for no colours.'),
} as const;

export type VariableName = keyof typeof VARIABLES;
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment, and a `.env` file in the working directory for what the environment does not set. An empty
 * value counts as unset, so `DATABASE_URL= tollkeeper …` overrides the file. All problems are reported at once.
 */
export function loadConfig(environment: Environment = process.env, directory = process.cwd()): Config {
  return parseConfig({ ...readDotEnv(directory), ...environment });
}

/** The configuration of these variables; `AppError(CONFIG_INVALID)` lists every bad one. */
export function parseConfig(environment: Environment): Config {
  const problems: string[] = [];
  function read<T>(name: VariableName, { schema, standard, secret, fix }: Variable<T>): T | undefined {
    const given = environment[name]?.trim();
    const result = schema.safeParse(given === undefined || given === '' ? standard : given);
    if (result.success) return result.data;
    // The value helps to find the mistake, except where it is one that nobody may read.
    const shown = secret === true ? 'its value (not shown)' : JSON.stringify(given);
    problems.push(`${name}: ${shown} ${result.error.issues[0]?.message ?? 'is not valid'}. ${fix}`);
    return undefined;
  }
  const config = {
    databaseUrl: read('DATABASE_URL', VARIABLES.DATABASE_URL),
    redisUrl: read('REDIS_URL', VARIABLES.REDIS_URL),
    dataDir: resolve(read('TOLLKEEPER_DATA_DIR', VARIABLES.TOLLKEEPER_DATA_DIR) ?? ''),
    archiveDir: resolve(
      read('TOLLKEEPER_ARCHIVE_DIR', VARIABLES.TOLLKEEPER_ARCHIVE_DIR) ??
        join(environment.TOLLKEEPER_DATA_DIR?.trim() || VARIABLES.TOLLKEEPER_DATA_DIR.standard, 'archive'),
    ),
    port: read('TOLLKEEPER_PORT', VARIABLES.TOLLKEEPER_PORT),
    httpHost: read('TOLLKEEPER_HTTP_HOST', VARIABLES.TOLLKEEPER_HTTP_HOST),
    httpPort: read('TOLLKEEPER_HTTP_PORT', VARIABLES.TOLLKEEPER_HTTP_PORT),
    accountRequestsPerMinute: read('TOLLKEEPER_ACCOUNT_REQUESTS', VARIABLES.TOLLKEEPER_ACCOUNT_REQUESTS),
    rulesDir: read('TOLLKEEPER_RULES_DIR', VARIABLES.TOLLKEEPER_RULES_DIR),
    lanes: read('TOLLKEEPER_LANES', VARIABLES.TOLLKEEPER_LANES) ?? 0,
    lateWindowMs: (read('TOLLKEEPER_LATE_WINDOW_DAYS', VARIABLES.TOLLKEEPER_LATE_WINDOW_DAYS) ?? 0) * DAY_MS,
    holdsKeptMs: (read('TOLLKEEPER_HOLD_DAYS', VARIABLES.TOLLKEEPER_HOLD_DAYS) ?? 0) * DAY_MS,
    movingSources: read('TOLLKEEPER_MOVING_SOURCES', VARIABLES.TOLLKEEPER_MOVING_SOURCES) ?? new Set<string>(),
    batchEventsMax: read('TOLLKEEPER_BATCH_EVENTS', VARIABLES.TOLLKEEPER_BATCH_EVENTS) ?? 0,
    gatherMs: read('TOLLKEEPER_GATHER_MS', VARIABLES.TOLLKEEPER_GATHER_MS) ?? 0,
    concurrency: read('TOLLKEEPER_CONCURRENCY', VARIABLES.TOLLKEEPER_CONCURRENCY) ?? 0,
    jobLockMs: read('TOLLKEEPER_JOB_LOCK_MS', VARIABLES.TOLLKEEPER_JOB_LOCK_MS) ?? 0,
    queuePrefix: read('TOLLKEEPER_QUEUE_PREFIX', VARIABLES.TOLLKEEPER_QUEUE_PREFIX) ?? '',
    stripeSecretKey: read('STRIPE_SECRET_KEY', VARIABLES.STRIPE_SECRET_KEY),
    stripeWebhookSecrets: read('STRIPE_WEBHOOK_SECRET', VARIABLES.STRIPE_WEBHOOK_SECRET) ?? [],
    stripeThinWebhookSecrets: read('STRIPE_THIN_WEBHOOK_SECRET', VARIABLES.STRIPE_THIN_WEBHOOK_SECRET) ?? [],
    stripeApiUrl: read('STRIPE_API_URL', VARIABLES.STRIPE_API_URL),
    stripeMeters: read('STRIPE_METERS', VARIABLES.STRIPE_METERS),
    publicUrl: read('TOLLKEEPER_PUBLIC_URL', VARIABLES.TOLLKEEPER_PUBLIC_URL),
    ownCostPerMonth: read('TOLLKEEPER_OWN_COST', VARIABLES.TOLLKEEPER_OWN_COST),
    fourEyesAboveNanos: read('TOLLKEEPER_FOUR_EYES_ABOVE', VARIABLES.TOLLKEEPER_FOUR_EYES_ABOVE),
    ...readNotify(read),
    openaiApiKey: read('OPENAI_API_KEY', VARIABLES.OPENAI_API_KEY),
    openaiBaseUrl: read('OPENAI_BASE_URL', VARIABLES.OPENAI_BASE_URL),
    logLevel: read('LOG_LEVEL', VARIABLES.LOG_LEVEL) ?? 'info',
    logFormat: read('LOG_FORMAT', VARIABLES.LOG_FORMAT) ?? 'auto',
    color: read('NO_COLOR', VARIABLES.NO_COLOR) === undefined,
  };
  // A test that found a live key in the environment would move real money.
  if (environment.NODE_ENV === 'test' && /^.k_live_/.test(config.stripeSecretKey?.reveal() ?? '')) {
    problems.push(
      'STRIPE_SECRET_KEY: a live key is refused while NODE_ENV is test. Use a key that begins with sk_test_.',
    );
  }
  if (problems.length > 0) throw new AppError('CONFIG_INVALID', problems.join('\n'));
  return config;
}

function readDotEnv(directory: string): Environment {
  const path = resolve(directory, '.env');
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return {};
    throw new AppError('CONFIG_INVALID', `${path} cannot be read`, {
      cause,
      fix: 'Correct its permissions or remove it.',
    });
  }
}
