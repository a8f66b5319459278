import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { Webhook } from 'standardwebhooks';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDeliveryStore } from '../../src/adapters/postgres/delivery-store.ts';
import { parseConfig } from '../../src/config.ts';
import type { OutgoingMessage } from '../../src/domain/messages/outgoing-message.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { announceAlerts, announceDigest, announceLowBalances } from '../../src/pipeline/delivery/announce.ts';
import { deliverDue } from '../../src/pipeline/delivery/deliver.ts';
import { createDelivery } from '../../src/wire/delivery.ts';
import { startMailServer, startReceiver } from '../support/delivery.ts';
import { BURST_HOUR, FREEZING_RULES, frozen } from '../support/frozen-books.ts';
import { openTestLedger, START_MS, type TestLedger } from '../support/ledger.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const NIGHT_MS = START_MS + (BURST_HOUR + 4) * HOUR_MS;

/** Deliveries of a ledger with the given settings, at a clock of the test's. */
function deliveryOf(ledger: TestLedger, settings: Readonly<Record<string, string>>) {
  const clock = { nowMs: NIGHT_MS };
  const config = parseConfig({ TOLLKEEPER_NOTIFY_PRIVATE: 'allow', ...settings });
  const parts = createDelivery(ledger.pool, { config, ruleset: () => FREEZING_RULES, now: () => clock.nowMs });
  return { parts, clock };
}

/** Notices begin before the alerts of the tests were raised. */
async function beginNotices(ledger: TestLedger) {
  await ledger.pool.query(`insert into notify_state (name, at) values ('began', '2026-01-01')`);
}

async function drain(parts: Parameters<typeof deliverDue>[0]) {
  while ((await deliverDue(parts)) > 0);
}

function message(over: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    kind: 'alert',
    severity: 'normal',
    messageId: 'm1',
    subject: 'A subject',
    text: 'A text',
    html: '<p>A text</p>',
    slackBlocks: [],
    event: { type: 'alert.raised', data: { money: '1.00' } },
    attachments: [],
    ...over,
  };
}

const queueTo = (ledger: TestLedger, destination: 'mail' | 'slack' | 'webhook', over: Partial<OutgoingMessage> = {}) =>
  createDeliveryStore(ledger.pool).queue(
    { tenant: 'default', message: message(over), to: [{ destination, target: null }] },
    NIGHT_MS,
  );

const states = async (ledger: TestLedger) =>
  (await createDeliveryStore(ledger.pool).list({ tenant: 'default', limit: 50 })).map(
    ({ destination, state, lastError }) => ({ destination, state, lastError }),
  );

describe('a severe alert', () => {
  test('reaches mail, Slack and a signed webhook, once, with its picture', async () => {
    const ledger = await frozen();
    await beginNotices(ledger);
    const mail = await startMailServer();
    const slack = await startReceiver();
    const hook = await startReceiver();
    const { parts } = deliveryOf(ledger, {
      TOLLKEEPER_SMTP_URL: mail.url,
      TOLLKEEPER_MAIL_FROM: 'alerts@example.com',
      TOLLKEEPER_NOTIFY_MAIL: 'ana@example.com, bob@example.com',
      TOLLKEEPER_SLACK_URL: `${slack.url}/services/T0/B0/xyz`,
      TOLLKEEPER_WEBHOOK_URL: `${hook.url}/in`,
      TOLLKEEPER_WEBHOOK_SECRET: SECRET,
    });
    while ((await announceAlerts(parts)) > 0);
    await drain(parts);
    while ((await announceAlerts(parts)) > 0);
    await drain(parts);

    expect(mail.mails).toHaveLength(1);
    const [sent] = mail.mails;
    expect(sent?.subject).toContain('Wallet frozen: acme');
    expect(sent?.to).toMatchObject({ value: [{ address: 'ana@example.com' }, { address: 'bob@example.com' }] });
    expect(sent?.messageId).toMatch(/^<incident-alt_\w+-alt_\w+@example\.com>$/);
    expect(sent?.headers.get('auto-submitted')).toBe('auto-generated');
    expect(sent?.attachments).toMatchObject([{ contentType: 'image/png', cid: 'chart', related: true }]);
    expect(sent?.text).toContain('acme');

    const [block] = slack.received.map(({ body }) => JSON.parse(body));
    expect(block.text).toContain('Wallet frozen');
    expect(block.blocks.length).toBeGreaterThan(2);
    expect(slack.received[0]?.path).toBe('/services/T0/B0/xyz');

    const [event] = hook.received;
    const verified = new Webhook(SECRET);
    // The library holds the signature to the wall clock; the test's clock stands in March.
    const { body = '', headers = {} } = event ?? {};
    const signed = verified.sign(String(headers['webhook-id']), new Date(NIGHT_MS), body);
    expect(headers['webhook-signature']).toBe(signed);
    expect(headers['webhook-timestamp']).toBe(String(NIGHT_MS / 1_000));
    expect(JSON.parse(body)).toMatchObject({ type: 'alert.raised', data: { account: 'acme', walletState: 'frozen' } });
    expect([slack.received.length, hook.received.length]).toEqual([1, 1]);
    expect(new Set((await states(ledger)).map(({ state }) => state))).toEqual(new Set(['delivered']));
  });

  test('of before anybody could be told is not told', async () => {
    const ledger = await frozen();
    const hook = await startReceiver();
    const { parts } = deliveryOf(ledger, {
      TOLLKEEPER_WEBHOOK_URL: hook.url,
      TOLLKEEPER_WEBHOOK_SECRET: SECRET,
    });
    expect(await announceAlerts(parts)).toBe(0);
  });
});

describe('the digest', () => {
  test('leaves once a day with what was not told at once, and not at all when there is nothing', async () => {
    const ledger = await frozen();
    await beginNotices(ledger);
    // An alert that stopped nobody.
    await ledger.pool.query(`update alert set outcome = 'review', title = 'Spend far above the usual'`);
    await ledger.pool.query(`update decision set outcome = 'review'`);
    const hook = await startReceiver();
    const { parts, clock } = deliveryOf(ledger, {
      TOLLKEEPER_WEBHOOK_URL: hook.url,
      TOLLKEEPER_WEBHOOK_SECRET: SECRET,
      TOLLKEEPER_DIGEST_HOUR: '8',
      TOLLKEEPER_SUPPORT_TIME_ZONE: 'Europe/Berlin',
    });
    while ((await announceAlerts(parts)) > 0);
    await drain(parts);
    expect(hook.received).toEqual([]);
    for (let hour = 0; hour < 48; hour++) {
      clock.nowMs = NIGHT_MS + hour * HOUR_MS;
      await announceDigest(parts);
      await drain(parts);
    }
    const types = hook.received.map(({ body }) => JSON.parse(body));
    expect(types.map(({ type }) => type)).toEqual(['digest']);
    expect(types[0]?.data.incidents).toMatchObject([{ account: 'acme' }]);
  });
});

describe('a low balance', () => {
  async function poorBooks(timeZone: string) {
    const ledger = await openTestLedger(FREEZING_RULES);
    for (let day = 0; day < 6; day++) {
      const atMs = START_MS + day * DAY_MS;
      await ledger.use('acme', [{ id: `d${day}`, dollars: '10', atMs, receivedAtMs: atMs }]);
    }
    await ledger.pool.query(
      `insert into account_contact (tenant_id, account_id, email, person_name, language, time_zone, changed_at, changed_by)
       values ('default', 'acme', 'kim@customer.example', E'Kim', 'de', $1, now(), 'test')`,
      [timeZone],
    );
    // 25 dollars left at ten a day; no overdraft to count on.
    await ledger.pool.query('update wallet set posted = 25000000000, overdraft_limit = 0');
    return ledger;
  }

  const settings = (mailUrl: string) => ({
    TOLLKEEPER_SMTP_URL: mailUrl,
    TOLLKEEPER_MAIL_FROM: 'billing@example.com',
    TOLLKEEPER_NOTIFY_MAIL: 'support@example.com',
  });

  test('is told to the customer once, by day, in their language', async () => {
    const ledger = await poorBooks('Europe/Berlin');
    const mail = await startMailServer();
    const { parts, clock } = deliveryOf(ledger, settings(mail.url));
    clock.nowMs = START_MS + 6 * DAY_MS + 16 * HOUR_MS;
    expect(await announceLowBalances(parts)).toBe(0);
    clock.nowMs += 8 * HOUR_MS;
    expect(await announceLowBalances(parts)).toBe(1);
    expect(await announceLowBalances(parts)).toBe(0);
    await drain(parts);
    expect(mail.mails).toHaveLength(1);
    expect(mail.mails[0]?.to).toMatchObject({ value: [{ address: 'kim@customer.example' }] });
    expect(mail.mails[0]?.text).toContain('Guthaben');
    expect(mail.mails[0]?.text).toContain('25,00');
  });

  test('is told again when it is used up, at once', async () => {
    const ledger = await poorBooks('Europe/Berlin');
    const mail = await startMailServer();
    const { parts, clock } = deliveryOf(ledger, settings(mail.url));
    clock.nowMs = START_MS + 6 * DAY_MS + 4 * HOUR_MS;
    await announceLowBalances(parts);
    await ledger.pool.query('update wallet set posted = 0');
    clock.nowMs += 14 * HOUR_MS;
    expect(await announceLowBalances(parts)).toBe(1);
    await drain(parts);
    expect(mail.mails).toHaveLength(2);
  });
});

describe('a receiver that does not take it', () => {
  const hookSettings = (url: string) => ({ TOLLKEEPER_WEBHOOK_URL: url, TOLLKEEPER_WEBHOOK_SECRET: SECRET });

  test('is asked again later, as late as it asks, until it does', async () => {
    const ledger = await openTestLedger();
    let busy = true;
    const slack = await startReceiver((response) => {
      if (busy) response.writeHead(429, { 'retry-after': '90' }).end('rate_limited');
      else response.end('ok');
    });
    const { parts, clock } = deliveryOf(ledger, { TOLLKEEPER_SLACK_URL: `${slack.url}/services/secretpart` });
    await queueTo(ledger, 'slack');
    await drain(parts);
    expect(await states(ledger)).toEqual([{ destination: 'slack', state: 'waiting', lastError: 'answered 429' }]);
    clock.nowMs += 60_000;
    await drain(parts);
    expect(slack.received).toHaveLength(1);
    busy = false;
    clock.nowMs += 60_000;
    await drain(parts);
    expect(await states(ledger)).toMatchObject([{ state: 'delivered' }]);
  });

  test('is given up after days, listed, and sent again by hand', async () => {
    const ledger = await openTestLedger();
    const hook = await startReceiver((response) => response.writeHead(500).end('<b>broken</b>'));
    const { parts, clock } = deliveryOf(ledger, hookSettings(hook.url));
    await queueTo(ledger, 'webhook');
    for (let hour = 0; hour < 24 * 6; hour++) {
      await drain(parts);
      clock.nowMs += HOUR_MS;
    }
    const [dead] = await states(ledger);
    expect(dead?.state).toBe('dead');
    expect(dead?.lastError).toMatch(/^given up after 13 attempts: answered 500/);
    expect(hook.received).toHaveLength(13);
    expect(await parts.store.replay('default', 'm1', clock.nowMs)).toBe(1);
    await parts.store.resume('webhook');
    await drain(parts);
    expect(hook.received).toHaveLength(14);
  });

  test.each([
    ['a redirect to a private address', 302, { location: 'http://169.254.169.254/latest' }, 'waiting'],
    ['somebody who is gone for good', 410, {}, 'dead'],
  ] as const)('%s is not followed or asked again', async (_, status, headers, state) => {
    const ledger = await openTestLedger();
    const hook = await startReceiver((response) => response.writeHead(status, headers).end());
    const { parts } = deliveryOf(ledger, hookSettings(hook.url));
    await queueTo(ledger, 'webhook');
    await drain(parts);
    expect(await states(ledger)).toMatchObject([{ state }]);
    expect(hook.received).toHaveLength(1);
  });

  test('one that never answers is left after ten seconds, and holds up nobody else', { timeout: 30_000 }, async () => {
    const ledger = await openTestLedger();
    const silent = await startReceiver(() => undefined);
    const slack = await startReceiver();
    const { parts } = deliveryOf(ledger, { ...hookSettings(silent.url), TOLLKEEPER_SLACK_URL: slack.url });
    await queueTo(ledger, 'webhook');
    await queueTo(ledger, 'slack', { messageId: 'm2' });
    const began = performance.now();
    await drain(parts);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(slack.received).toHaveLength(1);
    expect((await states(ledger)).find(({ destination }) => destination === 'webhook')?.lastError).toBe(
      'no answer within 10 seconds',
    );
  });

  test('private addresses are refused unless they are allowed, whatever name they hide behind', async () => {
    const ledger = await openTestLedger();
    for (const url of ['https://127.0.0.1:1/', 'https://[::1]:1/', 'https://localhost:1/', 'http://example.com/']) {
      const { parts } = deliveryOf(ledger, { ...hookSettings(url), TOLLKEEPER_NOTIFY_PRIVATE: 'refuse' });
      await queueTo(ledger, 'webhook', { messageId: `m-${url.replace(/\W/g, '')}` });
      await drain(parts);
    }
    const all = await states(ledger);
    expect(all.map(({ state }) => state)).toEqual(['dead', 'dead', 'dead', 'dead']);
    expect(all.map(({ lastError }) => lastError).join('\n')).toMatch(
      /not https[\s\S]*private network|private network[\s\S]*not https/,
    );
  });
});

describe('mail', () => {
  const settings = (url: string) => ({
    TOLLKEEPER_SMTP_URL: url,
    TOLLKEEPER_MAIL_FROM: 'alerts@example.com',
    TOLLKEEPER_NOTIFY_MAIL: 'ana@example.com',
  });

  test('that is refused for now is tried again; refused for good, it is not', async () => {
    const ledger = await openTestLedger();
    const mail = await startMailServer();
    const { parts, clock } = deliveryOf(ledger, settings(mail.url));
    mail.refuse = 451;
    await queueTo(ledger, 'mail');
    await drain(parts);
    expect(await states(ledger)).toMatchObject([{ state: 'waiting' }]);
    mail.refuse = undefined;
    clock.nowMs += MINUTE_MS;
    await drain(parts);
    expect(await states(ledger)).toMatchObject([{ state: 'delivered' }]);
    mail.refuse = 550;
    await queueTo(ledger, 'mail', { messageId: 'm2' });
    await drain(parts);
    expect((await states(ledger))[0]).toMatchObject({ state: 'dead' });
    expect(mail.mails).toHaveLength(1);
  });

  test('keeps what somebody wrote into a subject out of the headers', async () => {
    const ledger = await openTestLedger();
    const mail = await startMailServer();
    const { parts } = deliveryOf(ledger, settings(mail.url));
    await queueTo(ledger, 'mail', {
      subject: 'Hello\r\nBcc: thief@example.com\r\n\r\n=cmd()',
      html: '<p>&lt;b&gt;</p>',
    });
    await drain(parts);
    const [sent] = mail.mails;
    expect(sent?.headers.has('bcc')).toBe(false);
    expect(sent?.subject).toContain('thief@example.com');
    expect(sent?.to).toMatchObject({ value: [{ address: 'ana@example.com' }] });
  });

  test('is written to files where a directory stands for the server', async () => {
    const ledger = await openTestLedger();
    const directory = await mkdtemp(join(tmpdir(), 'mails-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    const { parts } = deliveryOf(ledger, settings(`file:${directory}`));
    await queueTo(ledger, 'mail');
    await drain(parts);
    expect(await readdir(directory)).toEqual(['m1.eml']);
    const parsed = await simpleParser(await readFile(join(directory, 'm1.eml')));
    expect([parsed.subject, parsed.text?.trim()]).toEqual(['A subject', 'A text']);
  });
});

describe('a process that dies', () => {
  test('between sending and saying so leaves the delivery to be sent again, under the same id', async () => {
    const ledger = await openTestLedger();
    const hook = await startReceiver();
    const { parts, clock } = deliveryOf(ledger, {
      TOLLKEEPER_WEBHOOK_URL: hook.url,
      TOLLKEEPER_WEBHOOK_SECRET: SECRET,
    });
    await queueTo(ledger, 'webhook');
    const dead = { ...parts, store: { ...parts.store, settle: () => Promise.reject(new Error('died')) } };
    await expect(deliverDue(dead)).rejects.toThrow('died');
    expect(await deliverDue(parts)).toBe(0);
    clock.nowMs += 2 * MINUTE_MS;
    await drain(parts);
    expect(hook.received.map(({ headers }) => headers['webhook-id'])).toEqual(['msg_m1', 'msg_m1']);
    expect(await states(ledger)).toMatchObject([{ state: 'delivered' }]);
  });

  test('leaves nothing claimed twice by two who are alive', async () => {
    const ledger = await openTestLedger();
    const hook = await startReceiver();
    const { parts } = deliveryOf(ledger, { TOLLKEEPER_WEBHOOK_URL: hook.url, TOLLKEEPER_WEBHOOK_SECRET: SECRET });
    for (let number = 0; number < 40; number++) await queueTo(ledger, 'webhook', { messageId: `m${number}` });
    expect(await queueTo(ledger, 'webhook', { messageId: 'm0' })).toBe(false);
    await Promise.all([drain(parts), drain(parts), drain(parts)]);
    const ids = hook.received.map(({ headers }) => headers['webhook-id']);
    expect([ids.length, new Set(ids).size]).toEqual([40, 40]);
  });
});
