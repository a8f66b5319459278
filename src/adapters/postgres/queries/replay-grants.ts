import type pg from 'pg';
import { parseEventKey } from '../../../domain/events/event-key.ts';
import { payFromBase } from '../../../domain/ledger/adjust-wallet.ts';
import { takeBreakage } from '../../../domain/ledger/expire-grants.ts';
import { type Burn, type CreditSource, expiredGrants } from '../../../domain/ledger/grant.ts';
import { type GrantTerms, topUpWallet } from '../../../domain/ledger/top-up-wallet.ts';
import { ENTRY_KIND, openWallet, payFromCredit, type WalletHead } from '../../../domain/ledger/wallet.ts';
import { readCursor } from './read-cursor.ts';

interface EntryRow {
  readonly wallet_id: bigint;
  readonly lane: number;
  readonly batch_no: bigint;
  readonly event_key: string;
  readonly amount: bigint;
  readonly kind: number;
}

interface GrantRow extends Pick<EntryRow, 'lane' | 'batch_no'> {
  readonly grant_id: string;
  readonly source: CreditSource;
  readonly priority: number;
  readonly amount: bigint;
  readonly remaining: bigint;
  readonly expires_at: Date | null;
  readonly created_at: Date;
}

/** Wallets with entries in archived days. */
const AWAY = `select wallet_id from archived_wallet_day join archived_day d using (day) where d.state = 'archived'`;

const ENTRIES = {
  name: 'grant_entry',
  page: 5_000,
  sql: `select wallet_id, lane, batch_no, event_key, amount, kind from entry
    where wallet_id in (select wallet_id from credit_grant except select wallet_id from (${AWAY}) away)
    order by wallet_id, seq`,
};

/** How many wallets with grants cannot be played again, because some of their entries are in files. */
export async function countAway(client: pg.PoolClient): Promise<bigint> {
  const { rows } = await client.query<{ wallets: bigint }>(
    `select count(distinct wallet_id) as wallets from credit_grant join (${AWAY}) away using (wallet_id)`,
  );
  return rows[0]?.wallets ?? 0n;
}

/**
 * Plays the history of every wallet with grants again, from its entries and the terms of its grants alone, and names the
 * grants of which another batch took another amount, or another rest is left, than is stored. Wallets with entries in
 * archived days are left out.
 */
export async function replayGrants(client: pg.PoolClient): Promise<ReadonlySet<string>> {
  const wrong = new Set<string>();
  let play: Play | undefined;
  for await (const entry of readCursor<EntryRow>(client, ENTRIES)) {
    if (play?.head.walletId !== entry.wallet_id) {
      if (play !== undefined) await compare(client, play, wrong);
      play = await begin(client, entry.wallet_id);
    }
    apply(play, entry);
  }
  if (play !== undefined) await compare(client, play, wrong);
  return wrong;
}

interface Play {
  readonly head: WalletHead;
  readonly grants: readonly GrantRow[];
  /** By batch and grant. */
  readonly burnt: Map<string, bigint>;
}

async function begin(client: pg.PoolClient, walletId: bigint): Promise<Play> {
  const { rows } = await client.query<GrantRow>(
    `select grant_id, source, priority, amount, remaining, expires_at, created_at, lane, batch_no from credit_grant
     where wallet_id = $1`,
    [walletId],
  );
  const identity = { walletId, tenant: '', account: '', currency: '', shard: 0, openedAtMs: 0 };
  return { head: openWallet(identity), grants: rows, burnt: new Map() };
}

function apply(play: Play, entry: EntryRow): void {
  const { head, burnt } = play;
  for (const { grantId, amount } of take(play, entry)) {
    const name = `${entry.lane}/${entry.batch_no}/${grantId}`;
    burnt.set(name, (burnt.get(name) ?? 0n) + amount);
  }
  head.posted += entry.amount;
}

/** What the entry takes out of the head's grants, by the same rules that posted it. */
function take({ head, grants }: Play, entry: EntryRow): readonly Pick<Burn, 'grantId' | 'amount'>[] {
  const { kind, amount } = entry;
  if (kind === ENTRY_KIND.grant) return open(head, grants, entry);
  if (amount >= 0n) return [];
  if (kind === ENTRY_KIND.refund || kind === ENTRY_KIND.dispute || kind === ENTRY_KIND.correction)
    return payFromBase(head, -amount);
  if (kind !== ENTRY_KIND.expired) return payFromCredit(head, -amount);
  // One entry a grant, in burn order; a hold may have kept a part of it.
  const [ended] = expiredGrants(head.grants, parseEventKey(entry.event_key).timeMs);
  if (ended === undefined) return [];
  const breakage = { grantId: ended.grantId, amount: -amount, remaining: ended.remaining + amount };
  takeBreakage(head, breakage);
  return [breakage];
}

function open(head: WalletHead, grants: readonly GrantRow[], entry: EntryRow): readonly Burn[] {
  const row = grants.find(({ lane, batch_no }) => lane === entry.lane && batch_no === entry.batch_no);
  if (row === undefined) return [];
  const terms: GrantTerms = {
    grantId: row.grant_id,
    priority: row.priority,
    expiresAtMs: row.expires_at?.getTime() ?? null,
    createdAtMs: row.created_at.getTime(),
  };
  const key = parseEventKey(entry.event_key);
  const result = topUpWallet(head, { key, amount: entry.amount, source: row.source, terms });
  if (!result.ok) return [];
  head.grants = result.change.wallet.grants;
  return result.change.burns ?? [];
}

async function compare(client: pg.PoolClient, { head, grants, burnt }: Play, wrong: Set<string>): Promise<void> {
  const left = new Map(head.grants.map(({ grantId, remaining }) => [grantId, remaining]));
  for (const { grant_id: id, remaining } of grants) if ((left.get(id) ?? 0n) !== remaining) wrong.add(id);
  const { rows } = await client.query<{ name: string; grant_id: string; amount: bigint }>(
    `select lane || '/' || batch_no || '/' || grant_id as name, grant_id, amount from grant_burn where wallet_id = $1`,
    [head.walletId],
  );
  for (const { name, grant_id: id, amount } of rows) {
    if (burnt.get(name) !== amount) wrong.add(id);
    burnt.delete(name);
  }
  for (const name of burnt.keys()) wrong.add(name.slice(name.lastIndexOf('/') + 1));
}
