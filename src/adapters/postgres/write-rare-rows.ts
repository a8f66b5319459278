import type pg from 'pg';
import { formatEventKey } from '../../domain/events/event-key.ts';
import { recordsHash } from '../../domain/ledger/chain/batch-link.ts';
import { sumBurns } from '../../domain/ledger/grant.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { formatIso } from '../../domain/time.ts';
import type { BatchRecord } from '../../pipeline/lane/batch-record.ts';
import { KeyTakenError } from '../../pipeline/lane/lane-store.ts';
import { int8Array } from './binary-array.ts';
import { closeFindings, insertPlatformUse, insertSightings } from './fleet-rows.ts';
import { closeLessons } from './lesson-rows.ts';
import { burnRecord } from './sealed-records.ts';
import { projectThrottles } from './throttle-rows.ts';
import { writeBurns } from './write-burns.ts';

/** Rows that most batches do not have: quarantined usage, status changes, decisions, alerts, messages. */
export async function writeRareRows(client: pg.PoolClient, batch: BatchRecord): Promise<void> {
  const heads = batch.touched.map((account) => account.wallet);
  if (batch.quarantined.length > 0) {
    await refusePosted(client, batch);
    await projectQuarantine(client, heads);
    await insertQuarantine(client, batch);
  }
  if (batch.outbox.some((message) => message.topic === 'wallet-status')) await projectStatuses(client, heads);
  if (batch.burns.length > 0) await writeBurns(client, batch, batch.burns);
  if (batch.breakage > 0n) await insertBreakage(client, batch);
  const throttled = heads.filter((wallet) => wallet.throttle !== null || batch.slowedOrNot.has(wallet));
  if (throttled.length > 0) await projectThrottles(client, throttled);
  if (batch.decisions.length > 0) await insertDecisions(client, batch);
  if (batch.outbox.length > 0) await insertOutbox(client, batch);
  if (batch.lessons.length > 0) await closeLessons(client, batch);
  if (batch.fleetRows.length > 0) await insertSightings(client, batch);
  if (batch.fleetFindings.length > 0) await closeFindings(client, batch);
  if (batch.platform !== null) await insertPlatformUse(client, batch, batch.platform);
}

/** SHA-256 over the batch's decisions, alerts and burns of grants as they are stored; null without any. */
export function recordsHashOf({ decisions, alerts, burns, rulesetHash }: BatchRecord): Buffer | null {
  return recordsHash([
    ...decisions.map(({ decisionId, wallet, key, outcome, score, decidedAtMs, evidence }) => [
      'decision',
      decisionId,
      wallet.tenant,
      wallet.walletId.toString(),
      wallet.account,
      formatEventKey(key),
      outcome,
      score,
      rulesetHash,
      formatIso(decidedAtMs),
      jsonForSql(evidence),
    ]),
    ...alerts.map((alert, position) => [
      'alert',
      alert.alertId,
      alert.decisionId,
      position,
      alert.wallet.tenant,
      alert.wallet.walletId.toString(),
      alert.wallet.account,
      alert.outcome,
      alert.title,
      alert.summary,
      alert.moneyAtRisk.toString(),
      alert.loss.toString(),
      formatIso(alert.raisedAtMs),
    ]),
    ...sumBurns(burns).map(burnRecord),
  ]);
}

/** Opens the accounts and wallets that this batch is the first to see; they must exist before anything refers to them. */
export async function insertNewWallets(client: pg.PoolClient, batch: BatchRecord): Promise<void> {
  const opened = batch.touched.filter((account) => account.isNew).map((account) => account.wallet);
  if (opened.length === 0) return;
  const tenants = opened.map((wallet) => wallet.tenant);
  const accounts = opened.map((wallet) => wallet.account);
  const times = opened.map((wallet) => formatIso(wallet.openedAtMs));
  await client.query(
    `insert into account (tenant_id, account_id, opened_at)
     select * from unnest($1::text[], $2::text[], $3::timestamptz[]) on conflict do nothing`,
    [tenants, accounts, times],
  );
  await client.query(
    `insert into wallet (wallet_id, tenant_id, account_id, currency, shard, opened_at)
     select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::timestamptz[])`,
    [
      int8Array(opened, (wallet) => wallet.walletId),
      tenants,
      accounts,
      opened.map((wallet) => wallet.currency),
      opened.map((wallet) => wallet.shard),
      times,
    ],
  );
}

/** No index spans entries and quarantine, so what goes into quarantine is looked for among what other lanes posted. */
async function refusePosted(client: pg.PoolClient, batch: BatchRecord): Promise<void> {
  const { rows } = await client.query<{ event_key: string }>({
    name: 'find-posted',
    text: 'select event_key from entry where event_key = any($1::uuid[]) limit 1',
    values: [`{${batch.quarantined.map(({ key }) => formatEventKey(key)).join()}}`],
  });
  if (rows[0] !== undefined)
    throw new KeyTakenError(`event ${rows[0].event_key} of lane ${batch.lane} is posted already`);
}

async function projectQuarantine(client: pg.PoolClient, heads: readonly WalletHead[]): Promise<void> {
  await client.query({
    name: 'project-quarantine',
    text: `update wallet w set quarantined = u.quarantined, quarantined_events = u.events
      from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as u(wallet_id, quarantined, events)
      where w.wallet_id = u.wallet_id and w.quarantined_events <> u.events`,
    values: [
      int8Array(heads, (wallet) => wallet.walletId),
      int8Array(heads, (wallet) => wallet.quarantined),
      int8Array(heads, (wallet) => BigInt(wallet.quarantinedEvents)),
    ],
  });
}

async function projectStatuses(client: pg.PoolClient, heads: readonly WalletHead[]): Promise<void> {
  const time = (ms: number | null) => (ms === null ? null : formatIso(ms));
  await client.query(
    `update wallet w set status = u.status, status_sequence = u.sequence, frozen_at = u.frozen_at, frozen_until = u.frozen_until, frozen_by = u.frozen_by
     from unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[])
       as u(wallet_id, status, sequence, frozen_at, frozen_until, frozen_by)
     where w.wallet_id = u.wallet_id and w.status_sequence <> u.sequence`,
    [
      int8Array(heads, (wallet) => wallet.walletId),
      heads.map((wallet) => wallet.status),
      int8Array(heads, (wallet) => BigInt(wallet.statusSequence)),
      heads.map((wallet) => time(wallet.frozenAtMs)),
      heads.map((wallet) => time(wallet.frozenUntilMs)),
      heads.map((wallet) => wallet.frozenBy),
    ],
  );
}

async function insertBreakage(client: pg.PoolClient, batch: BatchRecord): Promise<void> {
  await client.query({
    name: 'insert-breakage',
    text: `insert into batch_contra (lane, batch_no, ledger_account, currency, amount) values ($1, $2, 'breakage', $3, $4)`,
    values: [batch.lane, batch.batchNo, batch.currency, batch.breakage],
  });
}

async function insertQuarantine(client: pg.PoolClient, batch: BatchRecord): Promise<void> {
  const rows = batch.quarantined.map(({ key, item, position, reason, amount, residue, ingestedAtMs, decisionId }) => ({
    event_key: formatEventKey(key),
    wallet_id: item.address.walletId.toString(),
    tenant_id: item.event.tenant,
    account_id: item.event.account,
    position,
    reason,
    amount: amount === null ? null : amount.toString(),
    residue: residue.toString(),
    content_hash: item.contentHash.toString(),
    event_id: item.event.id,
    source: item.event.source,
    meter: item.event.meter,
    event_time: formatIso(item.event.occurredAtMs),
    ingested_at: formatIso(ingestedAtMs),
    decision_id: decisionId,
    event: JSON.stringify({ ...item.event, quantity: item.event.quantity.text }),
  }));
  await client.query(
    `insert into quarantine (event_key, wallet_id, tenant_id, account_id, lane, batch_no, position, reason, amount, residue, content_hash,
       event_id, source, meter, event_time, ingested_at, decision_id, event)
     select r.event_key, r.wallet_id, r.tenant_id, r.account_id, $2, $3, r.position, r.reason, r.amount, r.residue, r.content_hash,
       r.event_id, r.source, r.meter, r.event_time, r.ingested_at, r.decision_id, r.event
     from json_to_recordset($1::json) as r(event_key uuid, wallet_id bigint, tenant_id text, account_id text, position int, reason text,
       amount bigint, residue bigint, content_hash bigint, event_id text, source text, meter text, event_time timestamptz, ingested_at timestamptz,
       decision_id text, event text)`,
    [jsonForSql(rows), batch.lane, batch.batchNo],
  );
}

async function insertDecisions(client: pg.PoolClient, batch: BatchRecord): Promise<void> {
  for (const decision of batch.decisions) {
    await client.query({
      name: 'insert-decision',
      text: `insert into decision (decision_id, tenant_id, wallet_id, account_id, lane, batch_no, event_key, outcome, score, ruleset_hash, decided_at, evidence)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      values: [
        decision.decisionId,
        decision.wallet.tenant,
        decision.wallet.walletId,
        decision.wallet.account,
        batch.lane,
        batch.batchNo,
        formatEventKey(decision.key),
        decision.outcome,
        decision.score,
        batch.rulesetHash,
        formatIso(decision.decidedAtMs),
        jsonForSql(decision.evidence),
      ],
    });
  }
  for (const [position, alert] of batch.alerts.entries()) {
    await client.query({
      name: 'insert-alert',
      text: `insert into alert (alert_id, decision_id, lane, batch_no, position, tenant_id, wallet_id, account_id, outcome, title, summary, money_at_risk, loss, raised_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      values: [
        alert.alertId,
        alert.decisionId,
        batch.lane,
        batch.batchNo,
        position,
        alert.wallet.tenant,
        alert.wallet.walletId,
        alert.wallet.account,
        alert.outcome,
        alert.title,
        alert.summary,
        alert.moneyAtRisk,
        alert.loss,
        formatIso(alert.raisedAtMs),
      ],
    });
  }
}

async function insertOutbox(client: pg.PoolClient, batch: BatchRecord): Promise<void> {
  await client.query({
    name: 'insert-outbox',
    text: `insert into outbox (topic, message_key, payload)
      select r.topic, r.message_key, r.payload from json_to_recordset($1::json) as r(topic text, message_key text, payload json)
      on conflict (message_key) do nothing`,
    values: [
      jsonForSql(batch.outbox.map(({ topic, messageKey, payload }) => ({ topic, message_key: messageKey, payload }))),
    ],
  });
}

/** JSON for a json parameter. Money inside is already text; a stray bigint is written as text, never as a number. */
function jsonForSql(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
}
