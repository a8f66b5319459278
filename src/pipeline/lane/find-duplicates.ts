import { type EventKey, eventKeyOf, formatEventKey } from '../../domain/events/event-key.ts';
import type { RecentKeys } from '../../domain/events/recent-keys.ts';
import type { LaneEvent } from './lane-event.ts';

/** What is stored under a key. */
export interface StoredKey {
  readonly key: string;
  readonly contentHash: bigint;
}

/** Looks keys up among entries and quarantined usage. */
export type FindKeys = (keys: readonly string[]) => Promise<ReadonlyMap<string, StoredKey>>;

/**
 * What identity says of one event:
 * `new`; `duplicate` (an honest retry, nothing to do); or `altered` (the id is known with other content: a tampering
 * signal, recorded under a key of its own so that a retry of the altered copy is a duplicate too).
 */
export type Identity =
  | { readonly kind: 'new' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'altered'; readonly key: EventKey };

const NEW: Identity = { kind: 'new' };
const DUPLICATE: Identity = { kind: 'duplicate' };

/**
 * Decides for every event of a batch whether it is new. Most events need no look-up: only those whose hash the lane has
 * seen, or which are older than the lane's memory, are confirmed in SQL, all in one query (a second one for altered
 * copies, which are rare).
 *
 * @param lookUpAll after a unique violation (the same id under an account of another lane) every key is looked up.
 */
export async function findDuplicates(
  events: readonly LaneEvent[],
  recentKeys: RecentKeys,
  findKeys: FindKeys,
  lookUpAll: boolean,
): Promise<Identity[]> {
  const first = firstInBatch(events);
  const candidates = new Map<number, string[]>();
  for (let index = 0; index < events.length; index++) {
    const item = events[index];
    if (item === undefined || first[index] !== index) continue;
    const seen = recentKeys.find(item.key);
    const old = lookUpAll || item.key.timeMs < recentKeys.completeFromMs;
    if (seen === undefined && !old) continue;
    const keys = seen === undefined ? [] : [formatEventKey(seen)];
    // The lane may remember the id under another time; whether it is stored under this one decides first.
    if (seen?.timeMs !== item.key.timeMs) keys.push(formatEventKey(item.key));
    candidates.set(index, keys);
  }
  const stored = candidates.size === 0 ? new Map<string, StoredKey>() : await findKeys([...candidates.values()].flat());
  const identities = classify(events, first, candidates, stored);
  await dropKnownAltered(identities, findKeys);
  return identities;
}

function classify(
  events: readonly LaneEvent[],
  first: Int32Array,
  candidates: ReadonlyMap<number, readonly string[]>,
  stored: ReadonlyMap<string, StoredKey>,
): Identity[] {
  return events.map((item, index) => {
    const original = first[index] ?? index;
    const known = (candidates.get(original) ?? []).flatMap((key) => stored.get(key) ?? []);
    if (known.some(({ contentHash }) => contentHash === item.contentHash)) return DUPLICATE;
    if (known.length > 0) return altered(item);
    if (original === index) return NEW;
    return events[original]?.contentHash === item.contentHash ? DUPLICATE : altered(item);
  });
}

function altered(item: LaneEvent): Identity {
  return { kind: 'altered', key: eventKeyOf(item.event, item.contentHash) };
}

/** A retry of an altered copy, in the batch or in SQL, is a duplicate: one tampering signal per altered content. */
async function dropKnownAltered(identities: Identity[], findKeys: FindKeys): Promise<void> {
  const keys = identities.flatMap((identity) => (identity.kind === 'altered' ? [formatEventKey(identity.key)] : []));
  if (keys.length === 0) return;
  const known = new Set((await findKeys(keys)).keys());
  for (let index = 0; index < identities.length; index++) {
    const identity = identities[index];
    if (identity?.kind !== 'altered') continue;
    const key = formatEventKey(identity.key);
    if (known.has(key)) identities[index] = DUPLICATE;
    known.add(key);
  }
}

/**
 * A refused event claims nothing: whoever repeats its id later in the batch is judged as if it had not been there, as it
 * would be in a batch of its own. Otherwise the corrected event would pass for a copy of what was never stored.
 */
export function forgetRefused(events: readonly LaneEvent[], identities: Identity[], refused: number): void {
  const item = events[refused];
  const later = events.flatMap(({ key }, index) => (index > refused && sameHash(item?.key, key) ? [index] : []));
  const isCopy = identities[refused]?.kind === 'altered';
  let first: LaneEvent | undefined;
  const variants = new Set<bigint>();
  for (const index of later) {
    const other = events[index];
    // What repeats a stored id stays a copy of that; only the refused copy's own place is free again.
    if (other === undefined || (isCopy && other.contentHash !== item?.contentHash)) continue;
    if (isCopy) {
      identities[index] = altered(other);
      return;
    }
    first ??= other;
    if (first === other) identities[index] = NEW;
    else if (other.contentHash === first.contentHash || variants.has(other.contentHash)) identities[index] = DUPLICATE;
    else identities[index] = altered(other);
    variants.add(other.contentHash);
  }
}

/** For each event, the index of the first event of the batch with the same identity hash (often itself). */
function firstInBatch(events: readonly LaneEvent[]): Int32Array {
  const first = new Int32Array(events.length);
  let slots = 1024;
  while (slots < events.length * 2) slots *= 2;
  const table = new Int32Array(slots).fill(-1);
  for (let index = 0; index < events.length; index++) {
    const key = events[index]?.key;
    if (key === undefined) continue;
    let slot = key.h1 & (slots - 1);
    let other = table[slot] ?? -1;
    while (other !== -1 && !sameHash(events[other]?.key, key)) {
      slot = (slot + 1) & (slots - 1);
      other = table[slot] ?? -1;
    }
    if (other === -1) table[slot] = index;
    first[index] = other === -1 ? index : other;
  }
  return first;
}

function sameHash(left: EventKey | undefined, right: EventKey): boolean {
  return left !== undefined && left.h0 === right.h0 && left.h1 === right.h1 && left.h2 === right.h2;
}
