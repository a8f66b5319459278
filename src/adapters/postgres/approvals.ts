import type pg from 'pg';
import { decide } from '../../domain/approvals/approval.ts';
import { type ApprovalStore, type HeldChange, operationSchema } from '../../pipeline/approvals/approval-store.ts';
import { inTransaction, type Querier } from './pool.ts';
import { at, ms, msOrNull } from './stripe/rows.ts';

interface Row {
  readonly approval_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly wallet: string;
  readonly operation: unknown;
  readonly operation_hash: string;
  readonly request_key: string;
  readonly currency: string;
  /** numeric: a balance and what waits may together be more than a bigint holds. */
  readonly at_stake: string;
  readonly state: HeldChange['state'];
  readonly asked_by: string;
  readonly asked_at: Date;
  readonly expires_at: Date;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
}

/** Requests for approval on PostgreSQL. */
export function createApprovals(pool: pg.Pool): ApprovalStore {
  return {
    ask: (change) =>
      inTransaction(pool, async (client) => {
        const { rowCount } = await client.query(
          `insert into approval (approval_id, tenant_id, account_id, wallet, operation, operation_hash, request_key, currency,
             at_stake, asked_by, asked_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
          [
            change.approvalId,
            change.tenant,
            change.account,
            change.wallet,
            JSON.stringify(change.operation),
            change.operationHash,
            change.key,
            change.currency,
            change.atStake.toString(),
            change.askedBy,
            at(change.askedAtMs),
            at(change.expiresAtMs),
          ],
        );
        if (rowCount === 1) await tell(client, change, { actor: change.askedBy, as: 'asked', nowMs: change.askedAtMs });
        return (await find(client, change.tenant, change.approvalId)) ?? change;
      }),
    async list({ tenant, state, limit }) {
      const { rows } = await pool.query<Row>(
        `select * from approval where tenant_id = $1 and ($2::text is null or state = $2)
         order by asked_at desc, approval_id limit $3`,
        [tenant, state ?? null, limit],
      );
      return rows.map(readRow);
    },
    read: (tenant, approvalId) => find(pool, tenant, approvalId),
    decide: ({ tenant, approvalId, actor, as, nowMs }) =>
      inTransaction(pool, async (client) => {
        const change = await find(client, tenant, approvalId, 'for update');
        if (change === undefined) return undefined;
        const decided = decide(change, { actor, as, nowMs });
        // Said again: nothing changes, and nothing is told twice.
        if (!decided.ok || decided.approval === change) return decided;
        await client.query('update approval set state = $2, decided_by = $3, decided_at = $4 where approval_id = $1', [
          approvalId,
          as,
          actor,
          at(nowMs),
        ]);
        await tell(client, change, { actor, as, nowMs });
        return decided;
      }),
    async finish(tenant, approvalId) {
      await pool.query(
        `update approval set state = 'done' where tenant_id = $1 and approval_id = $2 and state = 'approved'`,
        [tenant, approvalId],
      );
    },
  };
}

async function find(client: Querier, tenant: string, approvalId: string, lock = ''): Promise<HeldChange | undefined> {
  const { rows } = await client.query<Row>(`select * from approval where tenant_id = $1 and approval_id = $2 ${lock}`, [
    tenant,
    approvalId,
  ]);
  return rows[0] === undefined ? undefined : readRow(rows[0]);
}

async function tell(
  client: pg.PoolClient,
  { tenant, approvalId, account, wallet, operation }: HeldChange,
  done: { readonly actor: string; readonly as: string; readonly nowMs: number },
): Promise<void> {
  await client.query(
    'insert into audit_log (at, tenant_id, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6)',
    [
      at(done.nowMs),
      tenant,
      done.actor,
      `approval.${done.as}`,
      approvalId,
      JSON.stringify({ account, wallet, operation }),
    ],
  );
}

function readRow(row: Row): HeldChange {
  return {
    approvalId: row.approval_id,
    tenant: row.tenant_id,
    account: row.account_id,
    wallet: row.wallet,
    operation: operationSchema.parse(row.operation),
    operationHash: row.operation_hash,
    key: row.request_key,
    currency: row.currency,
    atStake: BigInt(row.at_stake),
    state: row.state,
    askedBy: row.asked_by,
    askedAtMs: ms(row.asked_at),
    expiresAtMs: ms(row.expires_at),
    decidedBy: row.decided_by,
    decidedAtMs: msOrNull(row.decided_at),
  };
}
