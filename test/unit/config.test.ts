import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { loadConfig, parseConfig, VARIABLES, type Variable } from '../../src/config.ts';
import { AppError } from '../../src/errors.ts';

const example = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');

function problemsOf(environment: Record<string, string>): string {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof AppError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('expected CONFIG_INVALID');
}

describe('.env.example', () => {
  const listed = [...example.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => ({ name, value }));

  test('lists exactly the variables that are read, in order', () => {
    expect(listed.map(({ name }) => name)).toEqual(Object.keys(VARIABLES));
  });

  test('shows the default of each', () => {
    const standards = Object.values(VARIABLES).map((variable: Variable<unknown>) => variable.standard ?? '');
    expect(listed.map(({ value }) => value)).toEqual(standards);
  });

  test('gives the defaults when it is used as it is', () => {
    const uncommented = Object.fromEntries(listed.map(({ name, value }) => [name, value]));
    expect(parseConfig(uncommented)).toEqual(parseConfig({}));
  });
});

describe('settings of messages', () => {
  test('are read, and keep their secrets', () => {
    const config = parseConfig({
      TOLLKEEPER_SMTP_URL: 'smtp://user:hunter2@smtp.example.com:587',
      TOLLKEEPER_NOTIFY_MAIL: 'ana@example.com, bob@example.com',
      TOLLKEEPER_WEBHOOK_SECRET: `whsec_${'A'.repeat(43)}=,whsec_${'B'.repeat(44)}`,
      TOLLKEEPER_NOTIFY_PRIVATE: 'allow',
      TOLLKEEPER_OWN_COST: '120 USD',
      STRIPE_METERS: 'tokens=ai_tokens/1000:3',
    });
    expect(config.notifyMail).toEqual(['ana@example.com', 'bob@example.com']);
    expect(config.webhookSecrets).toHaveLength(2);
    expect(config.notifyPrivate).toBe(true);
    expect(config.ownCostPerMonth).toEqual({ nanos: 120_000_000_000n, currency: 'USD' });
    expect(config.stripeMeters?.get('tokens')?.eventName).toBe('ai_tokens');
    expect(inspect(config, { depth: 9 })).not.toContain('hunter2');
  });

  test.each([
    [{ TOLLKEEPER_SMTP_URL: 'http://smtp.example.com' }, 'is neither smtp://'],
    [{ TOLLKEEPER_MAIL_FROM: 'Ana <ana@example.com>' }, 'is not a mail address'],
    [{ TOLLKEEPER_NOTIFY_MAIL: 'ana@example.com, bob' }, 'is not a mail address'],
    [{ TOLLKEEPER_SLACK_URL: 'hooks.slack.com' }, 'is not an address'],
    [{ TOLLKEEPER_WEBHOOK_URL: 'ftp://example.com' }, 'is not an address'],
    [{ TOLLKEEPER_WEBHOOK_SECRET: 'whsec_short' }, 'is not whsec_'],
    [{ TOLLKEEPER_NOTIFY_PRIVATE: 'yes' }, 'is neither refuse nor allow'],
    [{ TOLLKEEPER_SUPPORT_TIME_ZONE: 'Mars/Olympus' }, 'is not a time zone'],
    [{ TOLLKEEPER_DIGEST_HOUR: '24' }, 'is not from 0 to 23'],
    [{ TOLLKEEPER_OWN_COST: '120' }, 'is not an amount with a currency'],
    [{ TOLLKEEPER_DUNNING_SENDS: 'reminder, threat' }, 'is not one of reminder, action_needed, final'],
    [{ TOLLKEEPER_PAY_URL: 'javascript:alert(1)' }, 'is not an address'],
    [{ STRIPE_METERS: 'tokens' }, 'is not METER=EVENT_NAME'],
  ])('%j is refused: %s', (environment, why) => {
    expect(problemsOf(environment as Record<string, string>)).toContain(why);
  });
});

describe('parseConfig', () => {
  test('works without any variable', () => {
    expect(parseConfig({})).toEqual({
      databaseUrl: undefined,
      redisUrl: undefined,
      dataDir: resolve('.tollkeeper'),
      movingSources: new Set(),
      archiveDir: resolve('.tollkeeper/archive'),
      port: undefined,
      httpHost: undefined,
      httpPort: undefined,
      rulesDir: undefined,
      lanes: 4,
      holdsKeptMs: 90 * 86_400_000,
      lateWindowMs: 35 * 86_400_000,
      batchEventsMax: 10_000,
      gatherMs: 5,
      concurrency: 64,
      jobLockMs: 60_000,
      queuePrefix: 'bull',
      notifyMail: [],
      notifyPrivate: false,
      supportLanguage: 'en',
      supportTimeZone: 'UTC',
      digestHour: 8,
      lowBalanceDays: 3,
      dunningSends: new Set(),
      dunningSlows: true,
      webhookSecrets: [],
      stripeSecretKey: undefined,
      stripeWebhookSecrets: [],
      stripeThinWebhookSecrets: [],
      stripeApiUrl: undefined,
      logLevel: 'info',
      logFormat: 'auto',
      color: true,
    });
  });

  test('takes an empty value as unset', () => {
    expect(parseConfig({ TOLLKEEPER_LANES: ' ', DATABASE_URL: '' })).toEqual(parseConfig({}));
  });

  test('reports all problems at once, with the variable, the value and the fix', () => {
    const problems = problemsOf({ TOLLKEEPER_LANES: '65', TOLLKEEPER_PORT: '1e3', LOG_FORMAT: 'xml' });
    expect(problems.split('\n')).toEqual([
      'TOLLKEEPER_PORT: "1e3" is not a whole number from 1 to 65535. Give a port from 1 to 65535, or leave it empty for a free one.',
      'TOLLKEEPER_LANES: "65" is not from 1 to 64. The default is 4.',
      'LOG_FORMAT: "xml" is not one of auto, pretty, json. The default is auto.',
    ]);
  });

  test.each(['mysql://root:hunter2@host/db', 'hunter2'])('never shows a bad secret (%s)', (value) => {
    const problems = problemsOf({ DATABASE_URL: value });
    expect(problems).toContain('DATABASE_URL: its value (not shown) is not a postgres:// address');
    expect(problems).not.toContain('hunter2');
  });

  test.each([
    ['TOLLKEEPER_JOB_LOCK_MS', '999'],
    ['TOLLKEEPER_QUEUE_PREFIX', 'a:b'],
    ['TOLLKEEPER_LANES', '0'],
    ['TOLLKEEPER_LANES', '4.5'],
    ['TOLLKEEPER_GATHER_MS', '-1'],
  ])('refuses %s=%s', (name, value) => {
    expect(problemsOf({ [name]: value })).toContain(name);
  });

  test('refuses a live Stripe key while tests run, and never shows it', () => {
    const key = `sk_live_${'x'.repeat(24)}`;
    expect(parseConfig({ STRIPE_SECRET_KEY: key }).stripeSecretKey?.reveal()).toBe(key);
    const problems = problemsOf({ STRIPE_SECRET_KEY: key, NODE_ENV: 'test' });
    expect(problems).toContain('STRIPE_SECRET_KEY: a live key is refused');
    expect(problems).not.toContain('xxxx');
    expect(problemsOf({ STRIPE_SECRET_KEY: 'pk_test_1234' })).toContain('is not a secret key of Stripe');
  });

  test('takes several webhook secrets, so that one can be rolled', () => {
    const { stripeWebhookSecrets } = parseConfig({ STRIPE_WEBHOOK_SECRET: 'whsec_first123, whsec_second45' });
    expect(stripeWebhookSecrets.map((secret) => secret.reveal())).toEqual(['whsec_first123', 'whsec_second45']);
  });

  test('sends Stripe calls to this machine or to Stripe, nowhere else', () => {
    expect(problemsOf({ STRIPE_API_URL: 'http://evil.example.com' })).toContain('is not an address of this machine');
    expect(parseConfig({ STRIPE_API_URL: 'http://127.0.0.1:12111' }).stripeApiUrl).toBe('http://127.0.0.1:12111');
  });

  test('a secret shows nowhere but where it is revealed', () => {
    const { databaseUrl } = parseConfig({ DATABASE_URL: 'postgres://me:hunter2@host/db' });
    expect(databaseUrl?.reveal()).toBe('postgres://me:hunter2@host/db');
    expect(`${databaseUrl} ${JSON.stringify({ databaseUrl })} ${inspect({ databaseUrl }, { showHidden: true })}`).toBe(
      '[secret] {"databaseUrl":"[secret]"} { databaseUrl: [secret] }',
    );
  });
});

describe('loadConfig', () => {
  test('fills in from .env what the environment does not set', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tollkeeper-config-'));
    try {
      writeFileSync(join(directory, '.env'), 'TOLLKEEPER_LANES=8\nTOLLKEEPER_GATHER_MS=7\nTOLLKEEPER_PORT=5555\n');
      const config = loadConfig({ TOLLKEEPER_GATHER_MS: '9', TOLLKEEPER_PORT: '' }, directory);
      expect(config).toMatchObject({ lanes: 8, gatherMs: 9, port: undefined });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
