import { eventKeyOf, formatEventKey, parseEventKey } from '../../../domain/events/event-key.ts';
import { ENTRY_KIND, type EntryKind } from '../../../domain/ledger/wallet.ts';
import type { StoredFact } from '../../../pipeline/lane/facts-codec.ts';
import type { EncodableEntry } from '../copy-entries.ts';

/** An entry as it comes back from SQL. */
export interface ChainEntryRow {
  readonly lane: number;
  readonly batch_no: bigint;
  readonly event_key: string;
  readonly wallet_id: bigint;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly content_hash: bigint;
  readonly kind: EntryKind;
}

/**
 * Puts a usage batch's entries back into lane order, which is not stored: the order of its facts, each with the thaw it
 * brought before it and the freeze it caused after it. `freezes` holds the keys of the events that caused one. Entries
 * that fit nowhere are left out, so that a tampered batch cannot have its chain value.
 */
export function inLaneOrder(
  rows: readonly ChainEntryRow[],
  facts: readonly StoredFact[],
  freezes: ReadonlySet<string>,
): readonly ChainEntryRow[] {
  const queues = new Map<string, ChainEntryRow[]>();
  for (const row of [...rows].sort((a, b) => (a.seq < b.seq ? -1 : 1))) {
    const name = accountName(row.tenant_id, row.account_id);
    const queue = queues.get(name);
    if (queue === undefined) queues.set(name, [row]);
    else queue.push(row);
  }
  const ordered: ChainEntryRow[] = [];
  for (const fact of facts) {
    const queue = queues.get(accountName(fact.tenant, fact.account));
    if (queue === undefined || fact.status === 'duplicate') continue;
    const key = formatEventKey(eventKeyOf(fact));
    const takeIf = (fits: (row: ChainEntryRow) => boolean) => {
      const [next] = queue;
      if (next !== undefined && fits(next)) ordered.push(...queue.splice(0, 1));
    };
    takeIf((row) => row.kind === ENTRY_KIND.thaw && parseEventKey(row.event_key).timeMs === fact.ingestedAtMs);
    while (queue[0]?.kind === ENTRY_KIND.expired && parseEventKey(queue[0].event_key).timeMs === fact.ingestedAtMs) {
      ordered.push(...queue.splice(0, 1));
    }
    takeIf((row) => row.event_key === key);
    takeIf((row) => row.kind === ENTRY_KIND.freeze && freezes.has(key));
  }
  return ordered;
}

/** The entry as it was sent to the database. */
export function encodable(row: ChainEntryRow): EncodableEntry {
  return {
    key: parseEventKey(row.event_key),
    wallet: { walletId: row.wallet_id },
    seq: row.seq,
    amount: row.amount,
    balanceAfter: row.balance_after,
    contentHash: row.content_hash,
    kind: row.kind,
  };
}

function accountName(tenant: string, account: string): string {
  return `${tenant}\u0000${account}`;
}
