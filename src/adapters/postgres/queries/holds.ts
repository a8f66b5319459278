import type { HoldState } from '../../../domain/ledger/hold.ts';
import type { HoldDetail, HoldListed, ListFilter } from '../../../pipeline/queries/queries.ts';
import { HOLD_COLUMNS, type HoldRow, readHold } from '../hold-rows.ts';
import type { Querier } from '../pool.ts';

type ListedRow = HoldRow & { readonly account_id: string; readonly currency: string };

/** Holds, the newest first. */
export async function listHolds(
  pool: Querier,
  filter: ListFilter<HoldState> & { readonly after?: string | undefined },
): Promise<readonly HoldListed[]> {
  const { rows } = await pool.query<ListedRow>(
    `select ${HOLD_COLUMNS}, w.account_id, w.currency from hold h join wallet w using (wallet_id)
     where h.tenant_id = $1 and ($2::text is null or w.account_id = $2) and ($3::text is null or h.state = $3)
       and ($5::text is null or exists (select from hold l where l.tenant_id = $1 and l.hold_id = $5
         and (h.placed_at < l.placed_at or (h.placed_at = l.placed_at and h.hold_id > l.hold_id))))
     order by h.placed_at desc, h.hold_id limit $4`,
    [filter.tenant, filter.account ?? null, filter.status ?? null, filter.limit, filter.after ?? null],
  );
  return rows.map(readListed);
}

/** One hold and what was done with it; undefined when there is none. */
export async function showHold(pool: Querier, tenant: string, holdId: string): Promise<HoldDetail | undefined> {
  const { rows } = await pool.query<ListedRow>(
    `select ${HOLD_COLUMNS}, w.account_id, w.currency from hold h join wallet w using (wallet_id)
     where h.tenant_id = $1 and h.hold_id = $2`,
    [tenant, holdId],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  const operations = await pool.query<{
    operation: string;
    idempotency_key: string;
    actor: string;
    reason: string | null;
    at: Date;
  }>(
    `select operation, idempotency_key, actor, reason, at from hold_operation where tenant_id = $1 and hold_id = $2
     order by at, operation <> 'place', idempotency_key`,
    [tenant, holdId],
  );
  return {
    hold: readListed(row),
    operations: operations.rows.map(({ operation, idempotency_key: key, actor, reason, at }) => ({
      operation,
      key,
      actor,
      reason,
      atMs: at.getTime(),
    })),
  };
}

function readListed(row: ListedRow): HoldListed {
  return { ...readHold(row), account: row.account_id, currency: row.currency };
}
