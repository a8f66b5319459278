import { isAwake, lastOccurrence } from '../../domain/delivery/hours.ts';
import { type Destination, routesOf } from '../../domain/delivery/routes.ts';
import type { OutgoingMessage } from '../../domain/messages/outgoing-message.ts';
import { stateOf } from '../../domain/summaries/alert-brief.ts';
import type { SummaryStyle } from '../../domain/summaries/alert-story.ts';
import { digestMessage } from '../../domain/summaries/digest-message.ts';
import { groupIncidents, INCIDENT_GAP_MS, incidentMessage, newestOf } from '../../domain/summaries/incident.ts';
import type { Reader } from '../../domain/summaries/locale.ts';
import {
  type LowBalancePolicy,
  lowBalance,
  lowBalanceMessage,
  nextTelling,
} from '../../domain/summaries/low-balance.ts';
import { DAY_MS } from '../../domain/time.ts';
import type { StoryStore } from '../summaries/story-store.ts';
import type { DeliveryStore } from './delivery-port.ts';

/** What finding out whom to tell works with. */
export interface Announcing {
  readonly store: DeliveryStore;
  readonly stories: StoryStore;
  /** Destinations that are set up. */
  readonly open: ReadonlySet<Destination>;
  /** Whoever reads alerts and digests. */
  readonly support: Reader;
  /** Hour of the day at which support gets its digest, in its zone. */
  readonly digestHour: number;
  readonly baseUrl: string | null;
  readonly lowBalance: LowBalancePolicy;
  readonly overdraftNanos: () => bigint;
  readonly now: () => number;
}

const ALERTS_AT_ONCE = 20;
const DIGEST_MAX = 200;

/**
 * Tells support of alerts nobody has been told of. Severe ones leave at once, with what came before them in the same incident;
 * one that changes nothing about the wallet of an incident that was told waits for the digest, as normal ones do.
 */
export async function announceAlerts(parts: Announcing): Promise<number> {
  const { store, stories, now } = parts;
  const untold = await store.untold(now(), ALERTS_AT_ONCE);
  for (const { tenant, alertId } of untold) {
    const told = await stories.incidentOf(tenant, alertId, INCIDENT_GAP_MS);
    const incident = groupIncidents(told.map(({ story }) => story)).at(-1);
    if (incident === undefined) continue;
    const newest = newestOf(incident);
    const notice = { tenant, alertId, walletState: stateOf(newest) };
    const alertIds = [incident.first, ...incident.later].map(({ facts }) => facts.alertId);
    const before = (await store.noticesOf(alertIds)).filter(({ toldAs }) => toldAs === 'message');
    const toldUntilMs = Math.max(
      ...[incident.first, ...incident.later]
        .filter(({ facts }) => before.some((known) => known.alertId === facts.alertId))
        .map(({ facts }) => facts.raisedAtMs),
    );
    const isKnown = before.some(({ walletState }) => walletState === notice.walletState);
    const contact = told.at(-1)?.contact;
    const style: SummaryStyle = {
      reader: parts.support,
      customer: { language: contact?.language ?? 'en', timeZone: contact?.timeZone ?? 'UTC' },
      baseUrl: parts.baseUrl,
    };
    const message = incidentMessage(incident, style, Number.isFinite(toldUntilMs) ? toldUntilMs : null);
    if (message.severity === 'severe' && !isKnown) {
      await store.queue(
        { tenant, message, to: supportOf(parts, message), notices: [{ ...notice, toldAs: 'message' }] },
        now(),
      );
    } else await store.notice([{ ...notice, toldAs: 'digest' }], now());
  }
  return untold.length;
}

/** Once a day at its hour: the open alerts of the day that nobody was told of at once. Nothing is sent when there are none. */
export async function announceDigest(parts: Announcing): Promise<void> {
  const { store, stories, support, now } = parts;
  const toMs = lastOccurrence(parts.digestHour, support.timeZone, now());
  if (!(await store.once(`digest-${toMs}`, now()))) return;
  const fromMs = toMs - DAY_MS;
  for (const tenant of await store.tenants()) {
    const told = await stories.openStories(tenant, { fromMs, toMs, limit: DIGEST_MAX });
    const known = await store.noticesOf(told.map(({ story }) => story.facts.alertId));
    const atOnce = new Set(known.filter(({ toldAs }) => toldAs === 'message').map(({ alertId }) => alertId));
    const left = told.map(({ story }) => story).filter(({ facts }) => !atOnce.has(facts.alertId));
    if (left.length === 0) continue;
    const style = { reader: support, customer: support, baseUrl: parts.baseUrl };
    const message = digestMessage({ incidents: groupIncidents(left), fromMs, toMs }, style);
    await store.queue({ tenant, message, to: supportOf(parts, message) }, now());
  }
}

/** Tells customers that a balance runs low, once, while they are awake, and once more when it is used up. */
export async function announceLowBalances(parts: Announcing): Promise<number> {
  const { store, stories, open, now } = parts;
  let told = 0;
  for (const { tenant, account } of await store.watched()) {
    const at = { nowMs: now(), overdraftNanos: parts.overdraftNanos() };
    for (const { facts: found, contact } of await stories.balances(tenant, account, at)) {
      const facts = { ...found, payUrl: null };
      const balance = lowBalance(facts, parts.lowBalance);
      const before = await store.lowBalanceTold(facts.walletId);
      const next = nextTelling(before, balance, facts.availableNanos);
      if (!next.tells) {
        if (next.told !== before) await store.tellLowBalance(facts.walletId, next.told, now());
        continue;
      }
      // What can wait until the morning does; the state stays as it was, so that it is told then.
      if (!balance.isEmpty && !isAwake(contact.timeZone, now())) continue;
      const { language, timeZone, email } = contact;
      const message = lowBalanceMessage(facts, balance, { language, timeZone });
      const to = routesOf('low_balance', open).map((destination) => ({
        destination,
        target: destination === 'customer' ? email : null,
      }));
      const lowBalanceNotice = { walletId: facts.walletId, told: next.told };
      await store.queue({ tenant, message, to, lowBalance: lowBalanceNotice }, now());
      told += 1;
    }
  }
  return told;
}

function supportOf({ open }: Pick<Announcing, 'open'>, { kind }: OutgoingMessage) {
  return routesOf(kind, open).map((destination) => ({ destination, target: null }));
}
