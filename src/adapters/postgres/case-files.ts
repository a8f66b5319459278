import type pg from 'pg';
import { type CaseFile, clockOf, sharpened } from '../../domain/cases/case.ts';
import { derivedId } from '../../domain/ids.ts';
import { AppError } from '../../errors.ts';
import type { CaseEvent, CaseFileStore, CaseItem, LooseItem } from '../../pipeline/cases/case-file-store.ts';
import { inTransaction, type Querier } from './pool.ts';
import { at, ms, msOrNull } from './stripe/rows.ts';

interface FileRow {
  readonly case_id: string;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly severity: CaseFile['severity'];
  readonly state: CaseFile['state'];
  readonly assignee: string | null;
  readonly opened_at: Date;
  readonly answer_by: Date;
  readonly due_at: Date;
  readonly answered_at: Date | null;
  readonly resolution: CaseFile['resolution'];
  readonly resolved_at: Date | null;
  readonly resolved_by: string | null;
}

const TITLE_MAX = 300;

/** Cases as they are read: of all tenants, or of one. */
export function caseReads(pool: Querier): Pick<CaseFileStore, 'list' | 'read'> {
  return {
    async list({ tenant, state, assignee, after, limit }) {
      const { rows } = await pool.query<FileRow>(
        `select * from case_file where tenant_id = $1 and ($2::text is null or state = $2) and ($3::text is null or assignee = $3)
           and ($4::timestamptz is null or (opened_at, case_id) < ($4, $5))
         order by opened_at desc, case_id desc limit $6`,
        [tenant, state ?? null, assignee ?? null, at(after?.openedAtMs ?? null), after?.caseId ?? null, limit],
      );
      return rows.map(readFile);
    },
    async read(tenant, caseId) {
      const { rows } = await pool.query<FileRow>('select * from case_file where tenant_id = $1 and case_id = $2', [
        tenant,
        caseId,
      ]);
      if (rows[0] === undefined) return undefined;
      const items = await pool.query<{
        kind: CaseItem['kind'];
        ref: string;
        title: string | null;
        status: string | null;
        added_at: Date;
      }>(
        `select i.kind, i.ref, coalesce(a.title, m.title) as title, coalesce(a.status, m.status) as status, i.added_at
         from case_item i left join alert a on i.kind = 'alert' and a.alert_id = i.ref
           left join money_case m on i.kind = 'money' and m.case_id = i.ref
         where i.case_id = $1 order by i.added_at, i.ref`,
        [caseId],
      );
      const events = await pool.query<{ at: Date; actor: string; action: CaseEvent['action']; detail: string }>(
        'select at, actor, action, detail from case_event where case_id = $1 order by event_id',
        [caseId],
      );
      return {
        file: readFile(rows[0]),
        items: items.rows.map(({ kind, ref, title, status, added_at }) => ({
          kind,
          ref,
          title: title ?? ref,
          status: status ?? 'gone',
          addedAtMs: ms(added_at),
        })),
        events: events.rows.map((row) => ({
          atMs: ms(row.at),
          actor: row.actor,
          action: row.action,
          detail: row.detail,
        })),
      };
    },
  };
}

/** Cases on PostgreSQL. */
export function createCaseFiles(pool: pg.Pool): CaseFileStore {
  return {
    ...caseReads(pool),
    async loose(limit) {
      const { rows } = await pool.query<{
        kind: LooseItem['kind'];
        ref: string;
        tenant_id: string;
        account_id: string;
        severity: LooseItem['severity'];
        title: string;
        at: Date;
      }>(
        `select * from (
           select 'alert' as kind, alert_id as ref, tenant_id, account_id,
             case when outcome = 'freeze' then 'severe' else 'normal' end as severity, title, raised_at as at
           from alert a where status = 'open' and not exists (select from case_item i where i.kind = 'alert' and i.ref = a.alert_id)
           union all
           select 'money', case_id, tenant_id, account_id, 'normal', title, opened_at
           from money_case m where status = 'open' and tenant_id is not null and account_id is not null
             and not exists (select from case_item i where i.kind = 'money' and i.ref = m.case_id)) loose
         order by at, ref limit $1`,
        [limit],
      );
      return rows.map((row) => ({
        kind: row.kind,
        ref: row.ref,
        tenant: row.tenant_id,
        account: row.account_id,
        severity: row.severity,
        title: row.title,
        atMs: ms(row.at),
      }));
    },
    gather: (item, nowMs) => inTransaction(pool, (client) => gather(client, item, nowMs)),
    assign: ({ tenant, caseId, actor, nowMs, key, assignee }) =>
      inTransaction(pool, async (client) => {
        const detail = assignee ?? 'nobody';
        if (await isRepeated(client, { key, caseId, action: 'assigned', detail })) return true;
        const { rowCount } = await client.query(
          `update case_file set assignee = $3, answered_at = coalesce(answered_at, $4)
           where tenant_id = $1 and case_id = $2 and state = 'open'`,
          [tenant, caseId, assignee, at(nowMs)],
        );
        if (rowCount !== 1) return false;
        await tell(client, { tenant, caseId, actor, nowMs, key, action: 'assigned', detail });
        return true;
      }),
    note: ({ tenant, caseId, actor, nowMs, key, text }) =>
      inTransaction(pool, async (client) => {
        if (await isRepeated(client, { key, caseId, action: 'note', detail: text })) return true;
        const { rowCount } = await client.query(
          `update case_file set answered_at = coalesce(answered_at, $3) where tenant_id = $1 and case_id = $2`,
          [tenant, caseId, at(nowMs)],
        );
        if (rowCount !== 1) return false;
        await tell(client, { tenant, caseId, actor, nowMs, action: 'note', detail: text, key });
        return true;
      }),
    resolve: ({ tenant, caseId, actor, nowMs, key, resolution, reason }) =>
      inTransaction(pool, async (client) => {
        const detail = `${resolution}: ${reason}`;
        if (await isRepeated(client, { key, caseId, action: 'resolved', detail })) return true;
        const { rowCount } = await client.query(
          `update case_file set state = 'resolved', resolution = $3, resolved_at = $4, resolved_by = $5,
             answered_at = coalesce(answered_at, $4) where tenant_id = $1 and case_id = $2 and state = 'open'`,
          [tenant, caseId, resolution, at(nowMs), actor],
        );
        if (rowCount !== 1) return false;
        await tell(client, { tenant, caseId, actor, nowMs, action: 'resolved', detail, key });
        return true;
      }),
    reopen: ({ tenant, caseId, actor, nowMs, key, reason }) =>
      inTransaction(pool, async (client) => {
        if (await isRepeated(client, { key, caseId, action: 'reopened', detail: reason })) return true;
        const { rows } = await client.query<{ severity: CaseFile['severity'] }>(
          `select severity from case_file c where tenant_id = $1 and case_id = $2 and state = 'resolved'
             and not exists (select from case_file o where o.tenant_id = c.tenant_id and o.account_id = c.account_id
               and o.state = 'open') for update`,
          [tenant, caseId],
        );
        if (rows[0] === undefined) return false;
        const { answerByMs, dueAtMs } = clockOf(rows[0].severity, nowMs);
        await client.query(
          `update case_file set state = 'open', resolution = null, resolved_at = null, resolved_by = null, answered_at = null,
             answer_by = $3, due_at = $4 where tenant_id = $1 and case_id = $2`,
          [tenant, caseId, at(answerByMs), at(dueAtMs)],
        );
        await tell(client, { tenant, caseId, actor, nowMs, action: 'reopened', detail: reason, key });
        return true;
      }),
  };
}

async function gather(client: pg.PoolClient, item: LooseItem, nowMs: number): Promise<boolean> {
  const { tenant, account, kind, ref, severity } = item;
  const clock = clockOf(severity, item.atMs);
  const opened = await client.query<FileRow>(
    `insert into case_file (case_id, tenant_id, account_id, severity, opened_at, answer_by, due_at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning *`,
    [
      derivedId('cas', [tenant, kind, ref, 'case']),
      tenant,
      account,
      severity,
      at(item.atMs),
      at(clock.answerByMs),
      at(clock.dueAtMs),
    ],
  );
  const row =
    opened.rows[0] ??
    (
      await client.query<FileRow>(
        `select * from case_file where tenant_id = $1 and account_id = $2 and state = 'open' for update`,
        [tenant, account],
      )
    ).rows[0];
  // Resolved by somebody in this very moment: the next look opens another one.
  if (row === undefined) return false;
  const added = await client.query(
    'insert into case_item (kind, ref, tenant_id, case_id, added_at) values ($1, $2, $3, $4, $5) on conflict do nothing',
    [kind, ref, tenant, row.case_id, at(nowMs)],
  );
  if (added.rowCount !== 1) {
    // Somebody else has put it into a case; a case that was opened for it alone is not needed.
    if (opened.rows[0] !== undefined) await client.query('delete from case_file where case_id = $1', [row.case_id]);
    return false;
  }
  const told = { tenant, caseId: row.case_id, actor: 'tollkeeper', nowMs, detail: item.title.slice(0, TITLE_MAX) };
  await tell(client, { ...told, action: opened.rows[0] === undefined ? 'added' : 'opened' });
  const file = readFile(row);
  const sharper = sharpened(file, severity, item.atMs);
  if (sharper !== file) {
    await client.query('update case_file set severity = $2, answer_by = $3, due_at = $4 where case_id = $1', [
      row.case_id,
      sharper.severity,
      at(sharper.answerByMs),
      at(sharper.dueAtMs),
    ]);
  }
  return true;
}

/** Whether this very request was carried out before. */
async function isRepeated(
  client: pg.PoolClient,
  asked: {
    readonly key: string;
    readonly caseId: string;
    readonly action: CaseEvent['action'];
    readonly detail: string;
  },
): Promise<boolean> {
  const { rows } = await client.query<{ case_id: string; action: string; detail: string }>(
    'select case_id, action, detail from case_event where request_key = $1',
    [asked.key],
  );
  const [known] = rows;
  if (known === undefined) return false;
  if (known.case_id === asked.caseId && known.action === asked.action && known.detail === asked.detail) return true;
  throw new AppError('IDEMPOTENCY_CONFLICT', 'The key was used for another request.');
}

async function tell(
  client: pg.PoolClient,
  event: {
    readonly tenant: string;
    readonly caseId: string;
    readonly actor: string;
    readonly nowMs: number;
    readonly action: CaseEvent['action'];
    readonly detail: string;
    readonly key?: string;
  },
): Promise<void> {
  const { tenant, caseId, actor, nowMs, action, detail, key } = event;
  await client.query(
    'insert into case_event (tenant_id, case_id, at, actor, action, detail, request_key) values ($1, $2, $3, $4, $5, $6, $7)',
    [tenant, caseId, at(nowMs), actor, action, detail, key ?? null],
  );
  // What people did stands in the audit log too; what was gathered by itself does not.
  if (action === 'opened' || action === 'added') return;
  await client.query(
    'insert into audit_log (at, tenant_id, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6)',
    [at(nowMs), tenant, actor, `case.${action}`, caseId, JSON.stringify(action === 'note' ? {} : { detail })],
  );
}

function readFile(row: FileRow): CaseFile {
  return {
    caseId: row.case_id,
    tenant: row.tenant_id,
    account: row.account_id,
    severity: row.severity,
    state: row.state,
    assignee: row.assignee,
    openedAtMs: ms(row.opened_at),
    answerByMs: ms(row.answer_by),
    dueAtMs: ms(row.due_at),
    answeredAtMs: msOrNull(row.answered_at),
    resolution: row.resolution,
    resolvedAtMs: msOrNull(row.resolved_at),
    resolvedBy: row.resolved_by,
  };
}
