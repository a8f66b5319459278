import { formatEventKey } from '../../src/domain/events/event-key.ts';
import { DAY_MS, MINUTE_MS } from '../../src/domain/time.ts';
import type { UsageFilter } from '../../src/pipeline/admin/quarantine-store.ts';
import type { Command } from '../command.ts';
import { KIND, type ModelEntry, type ModelUsage, type ModelWallet } from './wallet.ts';

/** How far one attempt at settling is with one wallet. */
export interface SettleState {
  /** Rows of the wallet, in order of arrival, that were looked at. */
  readonly seen: number;
  /** Something did not fit: nothing later may overtake it. */
  readonly isFull: boolean;
}

/** One transaction of a request that posts or voids quarantined usage, on a wallet of the caller's own. */
export function settle(
  wallet: ModelWallet,
  command: Extract<Command, { readonly do: 'settle' }>,
  state: SettleState,
  terms: {
    readonly atMs: number;
    readonly nowMs: number;
    readonly overdraftDefault: bigint;
    readonly releaseMax: number;
    readonly usageDays: readonly number[];
    readonly looks: ReadonlySet<string>[];
  },
): { readonly entries: readonly ModelEntry[]; readonly state: SettleState } {
  const { atMs, nowMs, overdraftDefault, releaseMax, usageDays, looks } = terms;
  const taken = looks.shift() ?? new Set();
  const rows: ModelUsage[] = [];
  let { seen, isFull } = state;
  while (seen < wallet.usage.length && rows.length < releaseMax) {
    const row = wallet.usage[seen++];
    if (row?.status === 'open' && fits(row, command.filter)) rows.push(row);
  }
  if (rows.length === 0) return { entries: [], state: { seen, isFull } };
  const entries = wallet.expire(atMs);
  if (command.what === 'void') {
    if (wallet.status !== 'thawing') close(rows, 'void', command.key);
    return { entries, state: { seen, isFull } };
  }
  close(
    rows.filter(({ key }) => taken.has(formatEventKey(key))),
    'duplicate',
    command.key,
  );
  const due = rows.filter(({ status }) => status === 'open');
  for (const row of due) {
    const { occurredAtMs } = row.event;
    if (wallet.status !== 'active' || occurredAtMs > nowMs + 5 * MINUTE_MS || row.exact === null) continue;
    if (!usageDays.includes(Math.floor(occurredAtMs / DAY_MS))) continue;
    isFull ||= wallet.refusal(wallet.toPay(row.exact), overdraftDefault, atMs) !== undefined;
    if (isFull) break;
    entries.push(wallet.charge(row.key, row.exact, KIND.released, atMs));
    close([row], 'posted', command.key);
  }
  return { entries, state: { seen, isFull } };
}

function close(rows: readonly ModelUsage[], status: 'posted' | 'void' | 'duplicate', by: string): void {
  for (const row of rows) Object.assign(row, { status, closedBy: by });
}

function fits({ event, reason: why }: ModelUsage, { account, reason, meter, fromMs, toMs }: UsageFilter): boolean {
  return (
    (account === undefined || event.account === account) &&
    (reason === undefined || why === reason) &&
    (meter === undefined || event.meter === meter) &&
    (fromMs === undefined || event.occurredAtMs >= fromMs) &&
    (toMs === undefined || event.occurredAtMs < toMs)
  );
}
