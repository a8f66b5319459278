import type pg from 'pg';
import type { ContraTotal } from '../../../domain/ledger/chain/batch-link.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import { type AwayFigure, openArchivedChain } from '../archive/chain-entries.ts';
import type { EncodableEntry } from '../copy-entries.ts';
import { BatchedRows, readCursor } from '../queries/read-cursor.ts';

interface Placed {
  readonly lane: number;
  readonly batch_no: bigint;
}

/** A row of `batch` with the facts beside it. */
export interface BatchRow extends Placed {
  readonly kind: string;
  readonly epoch: bigint;
  readonly events: number;
  readonly posted: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly priced: bigint;
  readonly ruleset_hash: string | null;
  readonly idempotency_key: string | null;
  readonly request_hash: string | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly chain: Buffer;
  readonly posted_at: Date;
  readonly posted_us: number;
  readonly root: Buffer | null;
  readonly wallets: number | null;
  readonly facts_hash: Buffer | null;
  readonly records_hash: Buffer | null;
  readonly facts: Buffer | null;
  readonly fact_events: number | null;
  readonly id_filter: Buffer | null;
}

/** A row of `entry`, with its account, and with the quarantined usage it released. */
export interface EntryRow extends Placed {
  readonly event_key: string;
  readonly wallet_id: bigint;
  readonly tenant_id: string | null;
  readonly account_id: string | null;
  readonly currency: string | null;
  readonly seq: bigint;
  readonly amount: bigint;
  readonly balance_after: bigint;
  readonly content_hash: bigint;
  readonly event_us: bigint;
  readonly kind: EncodableEntry['kind'];
  readonly q_status: string | null;
  readonly q_amount: bigint | null;
  readonly q_hash: bigint | null;
  readonly q_residue: bigint | null;
}

/** A row of `quarantine`. */
export interface QuarantineRow extends Placed {
  readonly event_key: string;
  readonly wallet_id: bigint | null;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly position: number;
  readonly reason: string;
  readonly amount: bigint | null;
  readonly residue: bigint;
  readonly content_hash: bigint;
  readonly event_id: string;
  readonly source: string;
  readonly meter: string;
  readonly event_us: bigint;
  readonly ingested_us: bigint;
  readonly decision_id: string | null;
  readonly event: string;
  readonly status: string;
}

/** A decision, an alert, a line of the audit log, a burn, a grant or a correction, with the values its hash is made of. */
export interface RecordRow extends Placed {
  readonly record: readonly unknown[];
}

interface ContraRow extends Placed {
  readonly ledger_account: string;
  readonly currency: string;
  readonly amount: bigint;
}

/** Everything that is stored of one batch. */
export interface StoredBatch {
  readonly row: BatchRow;
  readonly contra: readonly ContraTotal[];
  readonly entries: readonly EntryRow[];
  readonly quarantine: readonly QuarantineRow[];
  readonly records: readonly RecordRow[];
  /** What is known of its entries in archive files that are not here. */
  readonly away: readonly AwayFigure[];
  /** Rows that name an earlier batch which is not there. */
  readonly strays: Strays;
}

/** Rows whose batch does not exist. */
export interface Strays {
  readonly entries: readonly EntryRow[];
  readonly quarantine: readonly QuarantineRow[];
  readonly contra: readonly ContraRow[];
  readonly records: readonly RecordRow[];
}

const ISO = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const MICROSECONDS = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint`;

/**
 * Reads batches with all that belongs to them, in the order of lanes and numbers, a page at a time. `only` narrows it to some
 * lanes. The last thing returned are the rows that no batch has asked for.
 */
export async function* readStoredBatches(
  client: pg.PoolClient,
  files: ArchiveFiles,
  only: readonly number[] | undefined,
): AsyncGenerator<StoredBatch, Strays, undefined> {
  const where = (alias: string) =>
    only === undefined ? '' : `where ${alias}.lane in (${[-1, ...only].map(Math.trunc).join()})`;
  const order = (alias: string) => `order by ${alias}.lane, ${alias}.batch_no`;
  const cursorOf = <Row extends Placed & pg.QueryResultRow>(name: string, sql: string) =>
    readCursor<Row>(client, { name: `verify_${name}`, page: 2_000, sql });
  const rowsOf = <Row extends Placed & pg.QueryResultRow>(name: string, sql: string) =>
    new BatchedRows<Row>(cursorOf<Row>(name, sql));

  const attached = cursorOf<EntryRow>(
    'entry',
    `select e.lane, e.batch_no, e.event_key, e.wallet_id, w.tenant_id, w.account_id, w.currency, e.seq, e.amount, e.balance_after,
       e.content_hash, e.kind, ${MICROSECONDS('e.event_time')} as event_us, q.status as q_status, q.amount as q_amount,
       q.content_hash as q_hash, q.residue as q_residue
     from entry e left join wallet w using (wallet_id) left join quarantine q on q.event_key = e.event_key
     ${where('e')} ${order('e')}, e.wallet_id, e.seq, e.event_key`,
  );
  const archived = await openArchivedChain(client, files, attached, only);
  const entries = new BatchedRows<EntryRow>(archived.rows);
  const contra = rowsOf<ContraRow>(
    'contra',
    `select c.lane, c.batch_no, c.ledger_account, c.currency, c.amount from batch_contra c ${where('c')} ${order('c')}`,
  );
  const quarantine = rowsOf<QuarantineRow>(
    'quarantine',
    `select q.*, ${MICROSECONDS('q.event_time')} as event_us, ${MICROSECONDS('q.ingested_at')} as ingested_us
     from quarantine q ${where('q')} ${order('q')}, q.position`,
  );
  const records = rowsOf<RecordRow>(
    'record',
    `select * from (
       select d.lane, d.batch_no, json_build_array('decision', d.decision_id, d.tenant_id, d.wallet_id::text, d.account_id,
         d.event_key::text, d.outcome, d.score, d.ruleset_hash, ${ISO('d.decided_at')}, d.evidence::text) as record from decision d
       union all
       select a.lane, a.batch_no, json_build_array('alert', a.alert_id, a.decision_id, a.position, a.tenant_id, a.wallet_id::text,
         a.account_id, a.outcome, a.title, a.summary, a.money_at_risk::text, a.loss::text, ${ISO('a.raised_at')}) from alert a
       union all
       select l.lane, l.batch_no, json_build_array('audit', l.tenant_id, l.actor, l.action, l.subject, l.detail::text,
         ${ISO('l.at')}) from audit_log l where l.lane is not null
       union all
       select g.lane, g.batch_no, json_build_array('burn', g.grant_id, g.wallet_id::text, g.amount::text) from grant_burn g
       union all
       select g.lane, g.batch_no, json_build_array('grant', g.grant_id, g.wallet_id::text, g.source, g.priority, g.amount::text,
         ${ISO('g.expires_at')}, ${ISO('g.created_at')}) from credit_grant g
       union all
       select c.lane, c.batch_no, json_build_array('correction', c.event_key::text, c.correction_no, c.kind, c.wallet_id::text,
         c.reversal_key::text, c.amended_key::text, c.reversed::text, c.charged::text, c.meter, c.quantity, c.ruleset_hash, c.actor,
         c.reason, ${ISO('c.corrected_at')}) from event_correction c
     ) r ${where('r')} ${order('r')}`,
  );
  const batches = readCursor<BatchRow>(client, {
    name: 'verify_batch',
    page: 20,
    sql: `select b.*, extract(microseconds from b.posted_at)::int % 1000 as posted_us, f.facts, f.events as fact_events,
        f.id_filter
      from batch b left join batch_facts f using (lane, batch_no) ${where('b')} ${order('b')}`,
  });

  for await (const row of batches) {
    const take = <Row extends Placed & pg.QueryResultRow>(rows: BatchedRows<Row>) => rows.take(row.lane, row.batch_no);
    const [own, sides, refused, explained] = [
      await take(entries),
      await take(contra),
      await take(quarantine),
      await take(records),
    ];
    yield {
      row,
      entries: own.rows,
      contra: sides.rows.map(({ ledger_account, currency, amount }) => ({
        ledgerAccount: ledger_account,
        currency,
        amount,
      })),
      quarantine: refused.rows,
      records: explained.rows,
      away: await archived.away(row.lane, row.batch_no),
      strays: { entries: own.strays, contra: sides.strays, quarantine: refused.strays, records: explained.strays },
    };
  }
  const rest = <Row extends Placed & pg.QueryResultRow>(rows: BatchedRows<Row>) => rows.take(32_767, 2n ** 62n);
  return {
    entries: (await rest(entries)).strays,
    contra: (await rest(contra)).strays,
    quarantine: (await rest(quarantine)).strays,
    records: (await rest(records)).strays,
  };
}
