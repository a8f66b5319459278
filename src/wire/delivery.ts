import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { slackChannel, webhookChannel } from '../adapters/delivery/http-channels.ts';
import { mailChannels } from '../adapters/delivery/mail-channel.ts';
import { createDeliveryStore } from '../adapters/postgres/delivery-store.ts';
import { createStoryStore } from '../adapters/postgres/story-store.ts';
import type { Config } from '../config.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { MINUTE_MS } from '../domain/time.ts';
import { type Announcing, announceAlerts, announceDigest, announceLowBalances } from '../pipeline/delivery/announce.ts';
import { type Delivering, deliverDue } from '../pipeline/delivery/deliver.ts';
import type { Channel } from '../pipeline/delivery/delivery-port.ts';

/** Settings of messages. */
export type DeliveryConfig = Pick<
  Config,
  | 'smtpUrl'
  | 'mailFrom'
  | 'notifyMail'
  | 'slackUrl'
  | 'webhookUrl'
  | 'webhookSecrets'
  | 'notifyPrivate'
  | 'supportLanguage'
  | 'supportTimeZone'
  | 'digestHour'
  | 'lowBalanceDays'
  | 'publicUrl'
>;

/** An alert leaves within a second: found by looking, which costs the database one indexed question. */
const LOOK_EVERY_MS = 250;
const RARELY_MS = MINUTE_MS;

/** Channels that are set up; none without settings. */
export function createChannels(config: DeliveryConfig): readonly Channel[] {
  const { smtpUrl, mailFrom, notifyMail, slackUrl, webhookUrl, webhookSecrets, notifyPrivate: allowPrivate } = config;
  return [
    ...(smtpUrl === undefined || mailFrom === undefined
      ? []
      : mailChannels({ server: smtpUrl, from: mailFrom, to: notifyMail })),
    ...(slackUrl === undefined ? [] : [slackChannel({ url: slackUrl, allowPrivate })]),
    ...(webhookUrl === undefined || webhookSecrets.length === 0
      ? []
      : [webhookChannel({ url: webhookUrl, secrets: webhookSecrets, allowPrivate })]),
  ];
}

/** Deliveries on an open database, and what finds out whom to tell. */
export function createDelivery(
  pool: pg.Pool,
  {
    config,
    ruleset,
    now,
  }: { readonly config: DeliveryConfig; readonly ruleset: () => Ruleset; readonly now: () => number },
): Delivering & Announcing {
  const channels = createChannels(config);
  return {
    store: createDeliveryStore(pool),
    stories: createStoryStore(pool),
    channels,
    open: new Set(channels.map(({ destination }) => destination)),
    support: { language: config.supportLanguage, timeZone: config.supportTimeZone },
    digestHour: config.digestHour,
    baseUrl: config.publicUrl ?? null,
    lowBalance: { daysMax: config.lowBalanceDays, belowNanos: 0n },
    overdraftNanos: () => ruleset().overdraftNanos,
    now,
  };
}

/** Tells people of alerts, digests and low balances, and sends what waits, until it is closed. Nothing else waits for it. */
export function startDelivery(
  parts: Delivering & Announcing,
  onRetry: (what: string, attempt: number, error: unknown) => void,
): { readonly close: () => Promise<void> } {
  if (parts.channels.length === 0) return { close: async () => undefined };
  const stopping = new AbortController();
  const { signal } = stopping;
  const every = async (what: string, pauseMs: number, work: () => Promise<number>) => {
    for (let attempt = 1; !signal.aborted; ) {
      try {
        const done = await work();
        attempt = 1;
        if (done > 0) continue;
      } catch (error) {
        onRetry(what, attempt++, error);
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };
  const loops = [
    every('telling of alerts', LOOK_EVERY_MS, () => announceAlerts(parts)),
    every('delivery of messages', LOOK_EVERY_MS, () => deliverDue(parts)),
    every('digest and low balances', RARELY_MS, async () => {
      await announceDigest(parts);
      await announceLowBalances(parts);
      return 0;
    }),
  ];
  return {
    async close() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
