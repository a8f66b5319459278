import type pg from 'pg';
import type { Erased, EraseRequest, EraseStore } from '../../pipeline/contacts/erase-people.ts';
import { inTransaction } from './pool.ts';
import { at } from './stripe/rows.ts';

const GONE = '(erased)';
const BODY = JSON.stringify({
  text: GONE,
  html: `<p>${GONE}</p>`,
  slackBlocks: [],
  event: { type: 'erased', data: {} },
  attachments: [],
});

class OnlyCounted extends Error {
  readonly erased: Erased;

  constructor(erased: Erased) {
    super('nothing was erased');
    this.erased = erased;
  }
}

/** Erases what names people, on PostgreSQL. A dry run does everything and rolls it back, so that its figures are those. */
export function createEraseStore(pool: pg.Pool): EraseStore {
  return async (request) => {
    try {
      return await inTransaction(pool, (client) => erase(client, request));
    } catch (error) {
      if (error instanceof OnlyCounted) return error.erased;
      throw error;
    }
  };
}

async function erase(client: pg.PoolClient, request: EraseRequest): Promise<Erased | undefined> {
  const { tenant, account, actor, reason, nowMs, dryRun } = request;
  const count = async (sql: string, values: readonly unknown[]) => (await client.query(sql, [...values])).rowCount ?? 0;
  const known = await count('select from account where tenant_id = $1 and account_id = $2 for update', [
    tenant,
    account,
  ]);
  if (known === 0) return undefined;
  const contact = await count('delete from account_contact where tenant_id = $1 and account_id = $2', [
    tenant,
    account,
  ]);
  // A digest tells of many accounts: whoever keeps it keeps this one too.
  const messages = await count(
    `update message set subject = $3, body = $4 where tenant_id = $1 and body -> 'event' ->> 'type' <> 'erased'
       and (body -> 'event' -> 'data' ->> 'account' = $2
         or exists (select from json_array_elements(case json_typeof(body -> 'event' -> 'data' -> 'incidents')
             when 'array' then body -> 'event' -> 'data' -> 'incidents' else '[]' end) i where i ->> 'account' = $2))`,
    [tenant, account, GONE, BODY],
  );
  await client.query(
    `update delivery d set target = null,
       state = case d.state when 'waiting' then 'dead' else d.state end,
       last_error = case d.state when 'waiting' then $3 else d.last_error end
     from message m where m.tenant_id = d.tenant_id and m.message_id = d.message_id and d.tenant_id = $1
       and m.subject = $2 and m.body -> 'event' ->> 'type' = 'erased'`,
    [tenant, GONE, 'its account was erased'],
  );
  const drafts = await count(
    `update dunning_draft d set content = json_build_object('language', d.language, 'step', d.step, 'account', $2::text,
         'subject', $3::text, 'paragraphs', json_build_array($3::text), 'facts', '[]'::json, 'payUrl', null),
       status = case when d.status in ('draft', 'approved') then 'withdrawn' else d.status end
     from dunning_episode e where e.episode_id = d.episode_id and e.tenant_id = $1 and e.account_id = $2
       and d.content ->> 'subject' <> $3`,
    [tenant, account, GONE],
  );
  const notes = await count(
    `update case_event v set detail = $3 from case_file f where f.case_id = v.case_id and f.tenant_id = $1 and f.account_id = $2
       and v.action = 'note' and v.detail <> $3`,
    [tenant, account, GONE],
  );
  const erased = { contact, messages, drafts, notes };
  await client.query(
    'insert into audit_log (at, tenant_id, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6)',
    [at(nowMs), tenant, actor, 'account.erase', account, JSON.stringify({ reason, ...erased })],
  );
  if (dryRun) throw new OnlyCounted(erased);
  return erased;
}
