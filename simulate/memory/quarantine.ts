import { exactJson } from '../../src/adapters/postgres/admin/exact-json.ts';
import { formatEventKey } from '../../src/domain/events/event-key.ts';
import { FUTURE_TOLERANCE_MS } from '../../src/domain/ledger/lateness.ts';
import { DAY_MS } from '../../src/domain/time.ts';
import type { UsageTotal } from '../../src/pipeline/admin/admin-store.ts';
import type {
  ArrivalPlace,
  QuarantineAccess,
  QuarantineIndex,
  SettledTotals,
  UsageFilter,
  UsagePart,
} from '../../src/pipeline/admin/quarantine-store.ts';
import type { MemoryLedger, StoredUsage } from './ledger.ts';

/** Settling quarantined usage by filter, outside the transactions of single wallets. */
export function memoryQuarantine(ledger: MemoryLedger): QuarantineIndex {
  return {
    walletsWith: async (filter, nowMs) => {
      const days = new Map<bigint, Set<number>>();
      for (const row of ledger.quarantine.values()) {
        if (row.status !== 'open' || !fits(ledger, row, filter)) continue;
        const known = days.get(row.walletId) ?? new Set();
        if (row.event.occurredAtMs <= nowMs + FUTURE_TOLERANCE_MS) {
          known.add(Math.floor(row.event.occurredAtMs / DAY_MS));
        }
        days.set(row.walletId, known);
      }
      const sorted = [...days].sort(([left], [right]) => (left < right ? -1 : 1));
      return sorted.flatMap(([walletId, known]) => {
        const wallet = ledger.wallets.get(walletId);
        if (wallet === undefined) return [];
        const { shard, currency } = wallet;
        return [{ walletId, shard, currency, days: [...known].sort((left, right) => left - right) }];
      });
    },
    claim: async ({ key, hash, dryRun }) => {
      if (!dryRun && !ledger.requests.has(key)) ledger.requests.set(key, { hash, result: null });
      return ledger.requests.get(key);
    },
    settledBy: async (key) => settledIn(ledger, [...ledger.quarantine.values()], key),
    answer: async ({ key, result }) => {
      const claimed = ledger.requests.get(key);
      if (claimed?.result === null) {
        const stored: unknown = JSON.parse(exactJson(result));
        ledger.requests.set(key, { hash: claimed.hash, result: stored });
      }
      return ledger.requests.get(key)?.result;
    },
  };
}

/** @param usage the wallet's rows as the transaction has them, in order of arrival; closed in place */
export function quarantineIn(ledger: MemoryLedger, usage: readonly StoredUsage[]): QuarantineAccess {
  return {
    settledBy: async (key) => settledIn(ledger, usage, key),
    page: async (filter, after, limit) => {
      const open = usage.filter((row) => row.status === 'open' && fits(ledger, row, filter));
      const rest = after === undefined ? open : open.filter((row) => isAfter(row, after));
      return rest.slice(0, limit).map((row) => {
        const { key, contentHash, reason, amount, residue, lane, batchNo, position, event } = row;
        const { account, meter, quantity, occurredAtMs } = event;
        return {
          key,
          contentHash,
          reason,
          amount,
          residue,
          account,
          meter,
          quantity: amount === null ? quantity : null,
          occurredAtMs,
          isPosted: ledger.entries.has(formatEventKey(key)),
          place: { lane, batchNo: BigInt(batchNo), position },
        };
      });
    },
    close: async (rows, { status, request }) => {
      const closing = new Map(rows.map(({ key, amount }) => [formatEventKey(key), amount]));
      for (const row of usage) {
        const amount = closing.get(formatEventKey(row.key));
        if (amount === undefined || row.status !== 'open') continue;
        if (status === 'posted') row.amount = amount;
        row.status = status;
        row.closedRequest = request;
      }
    },
  };
}

/** What of one wallet's currency a request has closed. */
function settledIn(ledger: MemoryLedger, usage: readonly StoredUsage[], key: string): readonly SettledTotals[] {
  const rows = usage.filter(({ closedRequest }) => closedRequest === key);
  const total = (status: StoredUsage['status']): UsageTotal => {
    const closed = rows.filter((row) => row.status === status);
    return { events: closed.length, amount: closed.reduce((sum, { amount }) => sum + (amount ?? 0n), 0n) };
  };
  const currency = ledger.wallets.get(rows[0]?.walletId ?? 0n)?.currency;
  if (currency === undefined) return [];
  return [{ currency, posted: total('posted'), voided: total('void'), duplicates: total('duplicate') }];
}

/** Whether a row is in the part of a wallet's usage that is meant; without one, all of it is. */
export function isInPart(ledger: MemoryLedger, row: StoredUsage, part: UsagePart | undefined): boolean {
  return part === undefined || fits(ledger, row, part.filter) !== part.isRest;
}

function fits(ledger: MemoryLedger, row: StoredUsage, filter: UsageFilter): boolean {
  const { tenant, account, reason, meter, source, fromMs, toMs } = filter;
  const { event } = row;
  return (
    ledger.wallets.get(row.walletId)?.tenant === tenant &&
    (account === undefined || event.account === account) &&
    (reason === undefined || row.reason === reason) &&
    (meter === undefined || event.meter === meter) &&
    (source === undefined || event.source === source) &&
    (fromMs === undefined || event.occurredAtMs >= fromMs) &&
    (toMs === undefined || event.occurredAtMs < toMs)
  );
}

function isAfter({ lane, batchNo, position }: StoredUsage, after: ArrivalPlace): boolean {
  const order = lane - after.lane || batchNo - Number(after.batchNo) || position - after.position;
  return order > 0;
}
