import type pg from 'pg';
import type { Destination } from '../../domain/delivery/routes.ts';
import { parseWalletId } from '../../domain/ids.ts';
import type { MessageKind, MessageSeverity, OutgoingMessage } from '../../domain/messages/outgoing-message.ts';
import { MINUTE_MS } from '../../domain/time.ts';
import type { AlertNotice, ClaimedDelivery, Delivery, DeliveryStore } from '../../pipeline/delivery/delivery-port.ts';
import { inTransaction } from './pool.ts';
import { at, ms, msOrNull } from './stripe/rows.ts';

interface DeliveryRow {
  readonly delivery_id: bigint;
  readonly tenant_id: string;
  readonly message_id: string;
  readonly kind: MessageKind;
  readonly severity: MessageSeverity;
  readonly subject: string;
  readonly destination: Destination;
  readonly target: string | null;
  readonly state: Delivery['state'];
  readonly attempts: number;
  readonly next_try_at: Date;
  readonly last_error: string | null;
  readonly created_at: Date;
  readonly delivered_at: Date | null;
}

/** The parts of a message that have no column of their own; attachments as base64. */
interface StoredBody {
  readonly text: string;
  readonly html: string;
  readonly slackBlocks: OutgoingMessage['slackBlocks'];
  readonly event: OutgoingMessage['event'];
  readonly attachments: readonly (Omit<OutgoingMessage['attachments'][number], 'content'> & {
    readonly content: string;
  })[];
}

/** Lanes commit a little out of the order of their clocks: so far back alerts are looked for again. */
const LOOK_BACK_MS = 15 * MINUTE_MS;
const ERROR_MAX = 500;

const COLUMNS = `d.delivery_id, d.tenant_id, d.message_id, m.kind, m.severity, m.subject, d.destination, d.target, d.state,
  d.attempts, d.next_try_at, d.last_error, m.created_at, d.delivered_at`;

/** Messages and their deliveries, on PostgreSQL. */
export function createDeliveryStore(pool: pg.Pool): DeliveryStore {
  let lookFromMs = Number.NEGATIVE_INFINITY;
  return {
    queue: (queued, nowMs) =>
      inTransaction(pool, async (client) => {
        const { tenant, message, to, notices = [], lowBalance } = queued;
        await insertNotices(client, notices, nowMs);
        if (lowBalance !== undefined) await insertLowBalance(client, lowBalance.walletId, lowBalance.told, nowMs);
        const { rowCount } = await client.query(
          `insert into message (tenant_id, message_id, kind, severity, subject, body, created_at)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
          [tenant, message.messageId, message.kind, message.severity, message.subject, bodyText(message), at(nowMs)],
        );
        if (rowCount === 0) return false;
        await client.query(
          `insert into delivery (tenant_id, message_id, destination, target, next_try_at)
           select $1, $2, u.destination, u.target, $5 from unnest($3::text[], $4::text[]) as u(destination, target)`,
          [tenant, message.messageId, to.map((one) => one.destination), to.map(({ target }) => target), at(nowMs)],
        );
        return true;
      }),
    async untold(nowMs, limit) {
      if (lookFromMs === Number.NEGATIVE_INFINITY) lookFromMs = await noticesBegan(pool, nowMs);
      const { rows } = await pool.query<{ tenant_id: string; alert_id: string; raised_at: Date }>(
        `select tenant_id, alert_id, raised_at from alert a where raised_at >= $1 and status = 'open'
           and not exists (select from alert_notice n where n.alert_id = a.alert_id)
         order by raised_at, lane, batch_no, position limit $2`,
        [at(lookFromMs), limit],
      );
      // Whoever is up to date need not look at all of the past again.
      if (rows.length === 0) lookFromMs = Math.max(lookFromMs, nowMs - LOOK_BACK_MS);
      return rows.map((row) => ({ tenant: row.tenant_id, alertId: row.alert_id }));
    },
    notice: (notices, nowMs) => insertNotices(pool, notices, nowMs),
    async noticesOf(alertIds) {
      const { rows } = await pool.query<{
        tenant_id: string;
        alert_id: string;
        wallet_state: string;
        told_as: AlertNotice['toldAs'];
      }>('select tenant_id, alert_id, wallet_state, told_as from alert_notice where alert_id = any($1)', [alertIds]);
      return rows.map((row) => ({
        tenant: row.tenant_id,
        alertId: row.alert_id,
        walletState: row.wallet_state,
        toldAs: row.told_as,
      }));
    },
    async once(name, nowMs) {
      const { rowCount } = await pool.query(
        'insert into notify_state (name, at) values ($1, $2) on conflict do nothing',
        [name, at(nowMs)],
      );
      return rowCount === 1;
    },
    async tenants() {
      const { rows } = await pool.query<{ tenant_id: string }>('select tenant_id from tenant order by tenant_id');
      return rows.map((row) => row.tenant_id);
    },
    async watched() {
      const { rows } = await pool.query<{ tenant_id: string; account_id: string }>(
        `select tenant_id, account_id from account_contact where email is not null and tells_low_balance
         order by tenant_id, account_id`,
      );
      return rows.map((row) => ({ tenant: row.tenant_id, account: row.account_id }));
    },
    async lowBalanceTold(walletId) {
      const { rows } = await pool.query<{ told: 'nothing' | 'low' | 'empty' }>(
        'select told from low_balance_notice where wallet_id = $1',
        [parseWalletId(walletId)],
      );
      return rows[0]?.told ?? 'nothing';
    },
    tellLowBalance: (walletId, told, nowMs) => insertLowBalance(pool, walletId, told, nowMs),
    async claim(nowMs, limit, leaseMs) {
      const { rows } = await pool.query<DeliveryRow & { readonly body: StoredBody }>(
        `with due as (
           select d.delivery_id from delivery d join message m using (tenant_id, message_id)
             left join destination_pause p on p.destination = d.destination and p.until > $1
           where d.state = 'waiting' and d.next_try_at <= $1 and p.destination is null
           order by m.severity = 'severe' desc, d.next_try_at, d.delivery_id limit $2 for update of d skip locked),
         taken as (
           update delivery d set attempts = attempts + 1, next_try_at = $3 from due where d.delivery_id = due.delivery_id
           returning d.*)
         select ${COLUMNS}, m.body from taken d join message m using (tenant_id, message_id) order by d.delivery_id`,
        [at(nowMs), limit, at(nowMs + leaseMs)],
      );
      return rows.map((row): ClaimedDelivery => ({ ...readDelivery(row), message: readMessage(row) }));
    },
    async settle(deliveryId, outcome, nowMs) {
      const values =
        outcome.is === 'delivered'
          ? ['delivered', null, null, at(nowMs)]
          : outcome.is === 'later'
            ? ['waiting', outcome.because.slice(0, ERROR_MAX), at(outcome.nextTryAtMs), null]
            : ['dead', outcome.because.slice(0, ERROR_MAX), null, null];
      await pool.query(
        `update delivery set state = $2, last_error = $3, next_try_at = coalesce($4, next_try_at), delivered_at = $5
         where delivery_id = $1`,
        [deliveryId, ...values],
      );
    },
    async pause(destination, untilOf) {
      const { rows } = await pool.query<{ failures: number }>(
        `insert into destination_pause as p (destination, failures, until) values ($1, 1, '-infinity')
         on conflict (destination) do update set failures = p.failures + 1 returning failures`,
        [destination],
      );
      await pool.query('update destination_pause set until = $2 where destination = $1', [
        destination,
        at(untilOf(rows[0]?.failures ?? 1)),
      ]);
    },
    async resume(destination) {
      await pool.query('delete from destination_pause where destination = $1', [destination]);
    },
    async list({ tenant, state, limit }) {
      const { rows } = await pool.query<DeliveryRow>(
        `select ${COLUMNS} from delivery d join message m using (tenant_id, message_id)
         where d.tenant_id = $1 and ($2::text is null or d.state = $2) order by d.delivery_id desc limit $3`,
        [tenant, state ?? null, limit],
      );
      return rows.map(readDelivery);
    },
    async show(tenant, messageId) {
      const { rows } = await pool.query<DeliveryRow & { readonly body: StoredBody }>(
        `select ${COLUMNS}, m.body from delivery d join message m using (tenant_id, message_id)
         where d.tenant_id = $1 and d.message_id = $2 order by d.delivery_id`,
        [tenant, messageId],
      );
      const [first] = rows;
      return first === undefined ? undefined : { message: readMessage(first), deliveries: rows.map(readDelivery) };
    },
    async replay(tenant, messageId, nowMs) {
      const { rowCount } = await pool.query(
        `update delivery set state = 'waiting', attempts = 0, next_try_at = $3
         where tenant_id = $1 and state = 'dead' and ($2::text is null or message_id = $2)`,
        [tenant, messageId, at(nowMs)],
      );
      return rowCount ?? 0;
    },
  };
}

/** Alerts raised before anybody could be told are not told: a flood of old ones helps nobody. */
async function noticesBegan(pool: pg.Pool, nowMs: number): Promise<number> {
  await pool.query(`insert into notify_state (name, at) values ('began', $1) on conflict do nothing`, [at(nowMs)]);
  const { rows } = await pool.query<{ at: Date }>(`select at from notify_state where name = 'began'`);
  return rows[0] === undefined ? nowMs : ms(rows[0].at);
}

async function insertNotices(
  client: Pick<pg.ClientBase, 'query'> | pg.Pool,
  notices: readonly AlertNotice[],
  nowMs: number,
): Promise<void> {
  if (notices.length === 0) return;
  await client.query(
    `insert into alert_notice (alert_id, tenant_id, wallet_state, told_as, told_at)
     select u.*, $5::timestamptz from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as u on conflict do nothing`,
    [
      notices.map(({ alertId }) => alertId),
      notices.map(({ tenant }) => tenant),
      notices.map(({ walletState }) => walletState),
      notices.map(({ toldAs }) => toldAs),
      at(nowMs),
    ],
  );
}

async function insertLowBalance(
  client: Pick<pg.ClientBase, 'query'> | pg.Pool,
  walletId: string,
  told: 'nothing' | 'low' | 'empty',
  nowMs: number,
): Promise<void> {
  await client.query(
    `insert into low_balance_notice (wallet_id, told, told_at) values ($1, $2, $3)
     on conflict (wallet_id) do update set told = excluded.told, told_at = excluded.told_at`,
    [parseWalletId(walletId), told, at(nowMs)],
  );
}

function bodyText({ text, html, slackBlocks, event, attachments }: OutgoingMessage): string {
  const encoded = attachments.map(({ content, ...about }) => ({
    ...about,
    content: Buffer.from(content).toString('base64'),
  }));
  return JSON.stringify({ text, html, slackBlocks, event, attachments: encoded });
}

function readMessage(
  row: Pick<DeliveryRow, 'kind' | 'severity' | 'message_id' | 'subject'> & { readonly body: StoredBody },
): OutgoingMessage {
  const { attachments, ...body } = row.body;
  return {
    kind: row.kind,
    severity: row.severity,
    messageId: row.message_id,
    subject: row.subject,
    ...body,
    attachments: attachments.map(({ content, ...about }) => ({ ...about, content: Buffer.from(content, 'base64') })),
  };
}

function readDelivery(row: DeliveryRow): Delivery {
  return {
    deliveryId: row.delivery_id,
    tenant: row.tenant_id,
    messageId: row.message_id,
    kind: row.kind,
    severity: row.severity,
    subject: row.subject,
    destination: row.destination,
    target: row.target,
    state: row.state,
    attempts: row.attempts,
    nextTryAtMs: ms(row.next_try_at),
    lastError: row.last_error,
    createdAtMs: ms(row.created_at),
    deliveredAtMs: msOrNull(row.delivered_at),
  };
}
