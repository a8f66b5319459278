import { type EventKey, eventKeyOf, formatEventKey } from '../../domain/events/event-key.ts';
import type { BatchRecord } from './batch-record.ts';
import type { FindKeys, Identity } from './find-duplicates.ts';
import type { LaneEvent } from './lane-event.ts';
import type { LaneTransaction } from './lane-store.ts';

/**
 * Sources that do not promise the same time on every retry. Their identities are kept for the late window, so that an
 * event sent again under another time is known as a copy however long ago the lane forgot the first.
 */
export type MovingSources = ReadonlySet<string>;

/** Whether a source was declared; `*` declares all. */
function isMoving(sources: MovingSources, { event }: LaneEvent): boolean {
  return sources.has('*') || sources.has(event.source);
}

/** The identity of an event without its time, in the form of a key. */
export function identityOf(key: EventKey): string {
  return formatEventKey({ ...key, timeMs: 0 });
}

/** Turns events that seem new into altered copies, or duplicates of such, where their identity was seen before. */
export async function findMoved(
  sources: MovingSources,
  batch: { readonly events: readonly LaneEvent[]; readonly identities: Identity[]; readonly sinceMs: number },
  transaction: Pick<LaneTransaction, 'findKeys' | 'findIdentities'>,
): Promise<void> {
  if (sources.size === 0) return;
  const candidates = batch.events.flatMap((item, index) =>
    batch.identities[index]?.kind === 'new' && isMoving(sources, item) ? [{ item, index }] : [],
  );
  if (candidates.length === 0) return;
  const identities = candidates.map(({ item }) => identityOf(item.key));
  const seen = await transaction.findIdentities?.(identities, batch.sinceMs);
  if (seen === undefined || seen.size === 0) return;
  const moved = candidates
    .filter(({ item }) => seen.has(identityOf(item.key)))
    .map(({ item, index }) => ({ index, item, key: eventKeyOf(item.event, item.contentHash) }));
  await markMoved(batch.identities, moved, transaction.findKeys);
}

async function markMoved(
  identities: Identity[],
  moved: readonly { readonly index: number; readonly item: LaneEvent; readonly key: EventKey }[],
  findKeys: FindKeys,
): Promise<void> {
  const stored = await findKeys(moved.flatMap(({ item, key }) => [formatEventKey(item.key), formatEventKey(key)]));
  for (const { index, item, key } of moved) {
    const same = stored.get(formatEventKey(item.key))?.contentHash === item.contentHash;
    const isKnown = same || stored.has(formatEventKey(key));
    identities[index] = isKnown ? { kind: 'duplicate' } : { kind: 'altered', key };
  }
}

/** Keeps the identities of what a batch took in. Refused events claim nothing, copies have nothing to claim. */
export async function keepIdentities(
  sources: MovingSources,
  batch: BatchRecord,
  sinceMs: number,
  transaction: Pick<LaneTransaction, 'keepIdentities'>,
): Promise<void> {
  if (sources.size === 0) return;
  const kept = batch.facts.filter(
    ({ item, status }) => status !== 'duplicate' && status !== 'altered' && isMoving(sources, item),
  );
  if (kept.length === 0) return;
  await transaction.keepIdentities?.(
    batch,
    kept.map(({ item }) => identityOf(item.key)),
    sinceMs,
  );
}
