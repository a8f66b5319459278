import type { WalletHead, WalletStatus } from '../../domain/ledger/wallet.ts';

/** What a wallet holds: the sum of its open holds, from their index alone. */
const HELD = `(select coalesce(sum(h.amount), 0)::bigint from hold h where h.wallet_id = w.wallet_id and h.state = 'open')`;

/** Columns that make a wallet head; the table is aliased `w`. */
export const WALLET_COLUMNS = `w.wallet_id, w.tenant_id, w.account_id, w.currency, w.shard, w.status, w.status_sequence, w.frozen_at,
  w.frozen_until, w.frozen_by, w.posted, ${HELD} as held, w.overdraft_limit, w.seq, w.quarantined, w.quarantined_events, w.opened_at`;

/** A wallet as the driver returns it: bigint columns are BigInt, times are Date. */
export interface WalletRow {
  readonly wallet_id: bigint;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly currency: string;
  readonly shard: number;
  readonly status: WalletStatus;
  readonly status_sequence: bigint;
  readonly frozen_at: Date | null;
  readonly frozen_until: Date | null;
  readonly frozen_by: string | null;
  readonly posted: bigint;
  readonly held: bigint;
  readonly overdraft_limit: bigint | null;
  readonly seq: bigint;
  readonly quarantined: bigint;
  readonly quarantined_events: bigint;
  readonly opened_at: Date;
}

/** The wallet head of a row. */
export function readWallet(row: WalletRow): WalletHead {
  return {
    walletId: row.wallet_id,
    tenant: row.tenant_id,
    account: row.account_id,
    currency: row.currency,
    shard: row.shard,
    openedAtMs: row.opened_at.getTime(),
    status: row.status,
    statusSequence: Number(row.status_sequence),
    frozenAtMs: row.frozen_at?.getTime() ?? null,
    frozenUntilMs: row.frozen_until?.getTime() ?? null,
    frozenBy: row.frozen_by,
    posted: row.posted,
    held: row.held,
    overdraftLimit: row.overdraft_limit,
    seq: row.seq,
    quarantined: row.quarantined,
    quarantinedEvents: Number(row.quarantined_events),
  };
}
