import { type EventKey, eventKeyOf, formatEventKey } from '../../src/domain/events/event-key.ts';
import { ENTRY_KIND } from '../../src/domain/ledger/wallet.ts';
import type {
  CorrectionAccess,
  CorrectionIndex,
  CorrectionRow,
  PostedUsage,
} from '../../src/pipeline/admin/correction-store.ts';
import { decodeFacts } from '../../src/pipeline/lane/facts-codec.ts';
import type { MemoryLedger, StoredEntry } from './ledger.ts';

const EVENT_KINDS: readonly number[] = [ENTRY_KIND.usage, ENTRY_KIND.fact, ENTRY_KIND.released];

/** A correction as it is stored. */
export interface StoredCorrectionRow extends CorrectionRow {
  readonly lane: number;
  readonly batchNo: number;
}

/** Finds posted usage among the entries in memory. */
export function memoryCorrections(ledger: MemoryLedger): CorrectionIndex {
  return { findPosted: async (tenant, key) => findPosted(ledger, tenant, key) };
}

/** What all entries of an event charge in sum, and its corrections. */
export function readCorrections(ledger: MemoryLedger): CorrectionAccess['read'] {
  return async (event) => {
    const corrections = ledger.corrections.get(formatEventKey(event)) ?? [];
    const keys = [
      event,
      ...corrections.flatMap(({ reversalKey, amendedKey }) => [reversalKey, amendedKey ?? []].flat()),
    ];
    const charged = keys.reduce((sum, key) => sum - (ledger.entries.get(formatEventKey(key))?.amount ?? 0n), 0n);
    return { charged, corrections };
  };
}

function findPosted(ledger: MemoryLedger, tenant: string, key: EventKey): PostedUsage | undefined {
  const text = formatEventKey(key);
  const entry = ledger.entries.get(text);
  const wallet = entry === undefined ? undefined : ledger.wallets.get(entry.walletId);
  if (entry === undefined || !EVENT_KINDS.includes(entry.kind) || wallet?.tenant !== tenant) return undefined;
  const { walletId, shard, account, currency } = wallet;
  const waited = ledger.quarantine.get(text);
  const event = waited?.status === 'posted' ? waited.event : fromFacts(ledger, entry, text);
  return { key, walletId, shard, tenant, account, currency, amount: -entry.amount, event };
}

function fromFacts(ledger: MemoryLedger, { lane, batchNo }: StoredEntry, key: string): PostedUsage['event'] {
  const stored = ledger.lane(lane).facts.find((facts) => facts.batchNo === batchNo);
  const facts = stored === undefined ? [] : decodeFacts(stored.facts);
  const fact = facts.find((row) => row.status === 'posted' && formatEventKey(eventKeyOf(row)) === key);
  if (fact === undefined) return null;
  const { id, source, meter, quantity } = fact;
  return { id, source, meter, quantity };
}
