import { type CreditSource, compareGrants, type Grant, NO_GRANTS } from '../../domain/ledger/grant.ts';
import type { Throttle } from '../../domain/ledger/throttle.ts';
import type { WalletHead, WalletStatus } from '../../domain/ledger/wallet.ts';
import { type SlowedJson, withSlowed } from './throttle-rows.ts';

/** What a wallet holds: the sum of its open holds, from their index alone. The table is aliased `w`. */
export const HELD = `(select coalesce(sum(h.amount), 0)::bigint from hold h where h.wallet_id = w.wallet_id and h.state = 'open')`;

/** Columns that make a wallet head; the table is aliased `w`. */
export const WALLET_COLUMNS = `w.wallet_id, w.tenant_id, w.account_id, w.currency, w.shard, w.status, w.status_sequence, w.frozen_at,
  w.frozen_until, w.frozen_by, w.posted, ${HELD} as held, w.overdraft_limit, w.seq, w.quarantined, w.quarantined_events, w.opened_at,
  w.residue, w.throttle_limit, w.throttle_period_ms, w.throttle_period_at, w.throttle_spent, w.throttle_told_at,
  w.throttle_told_sequence, w.slowed,
  (select json_agg(json_build_object('grantId', g.grant_id, 'source', g.source, 'priority', g.priority,
      'remaining', g.remaining::text, 'expiresAt', g.expires_at, 'createdAt', g.created_at))
     from credit_grant g where g.wallet_id = w.wallet_id and g.remaining > 0) as grants`;

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
  readonly residue: bigint;
  readonly throttle_limit: bigint | null;
  readonly throttle_period_ms: bigint | null;
  readonly throttle_period_at: Date | null;
  readonly throttle_spent: bigint | null;
  readonly throttle_told_at: Date | null;
  readonly throttle_told_sequence: bigint | null;
  /** Written by our own statements, so its shape needs no second check. */
  readonly slowed: SlowedJson | null;
  /** Built by our own query, so its shape needs no second check. */
  readonly grants: readonly GrantRow[] | null;
}

interface GrantRow {
  readonly grantId: string;
  readonly source: CreditSource;
  readonly priority: number;
  readonly remaining: string;
  readonly expiresAt: string | null;
  readonly createdAt: string;
}

/** The wallet head of a row. */
export function readWallet(row: WalletRow): WalletHead {
  // In the order of openWallet, so that all heads of a lane have one shape.
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
    residue: row.residue,
    held: row.held,
    grants: row.grants === null ? NO_GRANTS : row.grants.map(readGrant).sort(compareGrants),
    throttle: withSlowed(readThrottle(row), row.slowed),
    overdraftLimit: row.overdraft_limit,
    seq: row.seq,
    quarantined: row.quarantined,
    quarantinedEvents: Number(row.quarantined_events),
  };
}

function readGrant({ grantId, source, priority, remaining, expiresAt, createdAt }: GrantRow): Grant {
  return {
    grantId,
    source,
    priority,
    remaining: BigInt(remaining),
    expiresAtMs: expiresAt === null ? null : Date.parse(expiresAt),
    createdAtMs: Date.parse(createdAt),
  };
}

function readThrottle(row: WalletRow): Throttle | null {
  const { throttle_limit: limit, throttle_period_ms: periodMs, throttle_period_at: at, throttle_spent: spent } = row;
  if (limit === null || periodMs === null || at === null || spent === null) return null;
  const { throttle_told_at: toldAt, throttle_told_sequence: sequence } = row;
  const told =
    toldAt === null || sequence === null ? null : { periodAtMs: toldAt.getTime(), sequence: Number(sequence) };
  return { limit, periodMs: Number(periodMs), periodAtMs: at.getTime(), spent, told };
}
