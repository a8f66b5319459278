import type pg from 'pg';
import { parseLaneHead } from '../../../domain/ledger/chain/published-head.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import type { Ruleset } from '../../../domain/rules/ruleset.ts';
import { AppError } from '../../../errors.ts';
import type { ArchiveFiles } from '../../../pipeline/archive/archive-store.ts';
import { decodeFacts, type StoredFact } from '../../../pipeline/lane/facts-codec.ts';
import {
  finding,
  type LedgerFinding,
  type VerifyRequest,
  type VerifySummary,
} from '../../../pipeline/queries/ledger-finding.ts';
import { keysAway } from '../archive/chain-entries.ts';
import { LOCK_MOMENT } from '../archive/one-moment.ts';
import { proveArchive } from '../archive/prove-archive.ts';
import { inTransaction } from '../pool.ts';
import { checkChange, checkSides } from './check-change.ts';
import { checkGrants } from './check-credit.ts';
import { checkTime, insertedEntry, turnedEntry } from './check-entry.ts';
import { checkHolds } from './check-holds.ts';
import { checkSeal } from './check-seal.ts';
import { checkSequences } from './check-sequences.ts';
import { checkUsage, placeOf } from './check-usage.ts';
import { checkSettled, checkWallets } from './check-wallets.ts';
import { LaneWalk } from './lane-walk.ts';
import { ResidueWalk } from './residue-walk.ts';
import { readStoredBatches, type StoredBatch, type Strays } from './stored-batch.ts';

/**
 * Goes through everything the ledger stores, at one moment, and names what is not as it was written. Rows are read a page at a
 * time and each finding is told at once, so the size of the ledger is no limit.
 */
export function verifyLedger(
  pool: pg.Pool,
  ruleset: Ruleset | undefined,
  files: ArchiveFiles,
  request: VerifyRequest,
): Promise<VerifySummary> {
  return inTransaction(pool, async (client) => {
    await client.query('set transaction isolation level repeatable read read only');
    await client.query(LOCK_MOMENT);
    return verifyWithin(client, ruleset, files, request);
  });
}

/** Entries and events that `verifyLedger` goes through. */
export async function ledgerSize(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ size: bigint }>(
    `select (select count(*) from entry) + (select coalesce(sum(events), 0) from batch_facts)::bigint
       + (select coalesce(sum(entries), 0) from archived_day where state = 'archived')::bigint as size`,
  );
  return Number(rows[0]?.size ?? 0n);
}

/** The same inside the caller's database transaction, which should see one moment only. */
export function verifyWithin(
  client: pg.PoolClient,
  ruleset: Ruleset | undefined,
  files: ArchiveFiles,
  request: VerifyRequest,
): Promise<VerifySummary> {
  return new Verification(client, ruleset, files, request).run();
}

class Verification {
  readonly #client: pg.PoolClient;
  readonly #ruleset: Ruleset | undefined;
  readonly #files: ArchiveFiles;
  #isAway: (eventKey: string) => boolean = () => false;
  readonly #request: VerifyRequest;
  /** Batches with a named entry: that their root differs is no news then. */
  readonly #named = new Set<string>();
  readonly #residues: ResidueWalk;
  readonly #statuses = new Map<bigint, { readonly seq: bigint; readonly kind: number }>();
  readonly #totals = {
    away: 0,
    batches: 0,
    entries: 0,
    events: 0,
    quarantined: 0,
    repriced: 0,
    withoutFacts: 0,
    findings: 0,
  };

  constructor(client: pg.PoolClient, ruleset: Ruleset | undefined, files: ArchiveFiles, request: VerifyRequest) {
    this.#client = client;
    this.#ruleset = ruleset;
    this.#files = files;
    this.#residues = new ResidueWalk(ruleset);
    this.#request = request;
  }

  async run(): Promise<VerifySummary> {
    const lanes = await this.#lanesOf();
    this.#isAway = await keysAway(this.#client, this.#files);
    for await (const found of checkSequences(this.#client)) this.#tell(found);
    const walk = new LaneWalk(await this.#heads(), (found) => this.#tell(found));
    const stored = readStoredBatches(this.#client, this.#files, lanes);
    for (;;) {
      const { value, done } = await stored.next();
      if (done === true) {
        this.#tellStrays(value, walk);
        break;
      }
      this.#look(value, walk);
    }
    await walk.finish(this.#client, lanes);
    const isWhole = lanes === undefined && this.#totals.away === 0;
    const seen = { residues: this.#residues, statuses: this.#statuses, isWhole };
    const wallets = await this.#tellAll(checkWallets(this.#client, seen));
    await this.#tellAll(checkSettled(this.#client));
    await this.#tellAll(checkGrants(this.#client));
    await this.#tellAll(checkHolds(this.#client));
    await this.#checkArchive();
    this.#request.onProgress(this.#totals.entries + this.#totals.events);
    return { ...this.#totals, lanes: walk.lanes, wallets };
  }

  #look(batch: StoredBatch, walk: LaneWalk): void {
    const { row } = batch;
    const told = this.#totals.findings;
    walk.enter(batch);
    this.#tellStrays(batch.strays, walk);
    const seal = checkSeal(batch, walk.previous(row.lane));
    const facts = row.facts === null ? undefined : tryDecode(row.facts);
    this.#count(batch, facts);
    for (const found of this.#residues.check(batch, facts)) this.#tell(found);
    if (row.kind === 'usage') this.#lookAtUsage(batch, facts, { factsAreWrong: seal.entries && !seal.facts });
    else for (const found of checkChange(batch)) this.#tell(found);
    for (const found of [...checkSides(batch), ...batch.entries.flatMap(checkTime)]) this.#tell(found);

    const place = placeOf(row);
    const isNamed = (table: string) => this.#named.has(`${table} ${row.lane} ${row.batch_no}`);
    for (const column of seal.digests) {
      const text = (value: Buffer | number | null) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value));
      const values = { column, stored: text(row[column]), expected: text(seal.computed[column]) };
      this.#tell(
        finding({ what: 'changed', table: 'batch', ...values, ...place, why: 'with that value the link fits' }),
      );
    }
    if (row.posted_us !== 0) {
      const values = { column: 'posted_at', stored: `${row.posted_us} µs`, expected: '0 µs' };
      this.#tell(
        finding({ what: 'changed', table: 'batch', ...values, ...place, why: 'it was written in whole milliseconds' }),
      );
    }
    const turned = seal.entries || isNamed('entry') ? undefined : turnedEntry(batch);
    if (turned !== undefined) this.#tell(turned);
    if (!seal.entries && !isNamed('entry')) {
      const said = { what: 'broken', table: 'entry', ...place } as const;
      this.#tell(finding({ ...said, why: "the batch's entries do not have its root" }));
    }
    if (!seal.facts && !isNamed('batch_facts')) {
      const [what, why] =
        row.facts === null
          ? (['missing', 'the events of the batch are not there'] as const)
          : (['changed', 'the stored events do not have the SHA-256 they were written with'] as const);
      this.#tell(finding({ what, table: 'batch_facts', column: 'facts', ...place, why }));
    }
    if (!seal.records) this.#tellRecords(batch);
    walk.leave(batch, seal, this.#totals.findings > told);
    this.#request.onProgress(this.#totals.entries + this.#totals.events);
  }

  #lookAtUsage(
    batch: StoredBatch,
    facts: readonly StoredFact[] | undefined,
    { factsAreWrong }: { readonly factsAreWrong: boolean },
  ): void {
    const { row } = batch;
    if (facts === undefined) return;
    if (this.#ruleset !== undefined && this.#ruleset.hash === row.ruleset_hash) this.#totals.repriced++;
    const currency =
      batch.entries[0]?.currency ?? this.#ruleset?.pricing.currency ?? batch.contra[0]?.currency ?? 'USD';
    for (const found of checkUsage(batch, facts, {
      ruleset: this.#ruleset,
      currency,
      factsAreWrong,
      isAway: this.#isAway,
    }))
      this.#tell(found);
    const outside = [
      ['actor', row.actor, 'lane'],
      ['reason', row.reason, null],
      ['idempotency_key', row.idempotency_key, null],
      ['request_hash', row.request_hash, null],
    ] as const;
    for (const [column, stored, expected] of outside) {
      if (stored === expected) continue;
      const why = 'usage is posted by its lane, and nobody asked for it';
      this.#tell(finding({ what: 'changed', table: 'batch', column, stored, expected, ...placeOf(row), why }));
    }
  }

  #tellRecords(batch: StoredBatch): void {
    const { row, records } = batch;
    const tables = row.kind === 'usage' ? ['decision', 'alert', 'grant_burn'] : CHANGE_TABLES;
    if (tables.some((table) => this.#named.has(`${table} ${row.lane} ${row.batch_no}`))) return;
    const names = records.map(({ record }) => `${record[0]} ${record[1]}`).join(', ');
    const why = `a row that belongs to the batch was changed, added or removed; there are now ${records.length}${names === '' ? '' : `: ${names}`}`;
    this.#tell(finding({ what: 'broken', table: tables.join(', '), ...placeOf(row), why }));
  }

  /** The figures that stand for archived days; their files are compared with them by `archive verify`. */
  async #checkArchive(): Promise<void> {
    for (const { ok, detail } of await proveArchive(this.#client)) {
      if (ok) continue;
      const table = 'archived_day, archived_wallet_day, archived_batch_day';
      this.#tell(finding({ what: 'changed', table, why: `the figures of archived days differ: ${detail}` }));
    }
  }

  #tellStrays(strays: Strays, walk: LaneWalk): void {
    for (const entry of strays.entries) {
      if (!walk.isMissing(entry))
        this.#tell(insertedEntry(entry, `there is no batch ${entry.batch_no} in lane ${entry.lane}`));
    }
    const others = [
      ...strays.quarantine.map((row) => ['quarantine', row] as const),
      ...strays.contra.map((row) => ['batch_contra', row] as const),
      ...strays.records.map((row) => [tableOf(row.record), row] as const),
    ];
    for (const [table, row] of others) {
      const why = 'its batch is not there';
      if (!walk.isMissing(row)) this.#tell(finding({ what: 'inserted', table, ...placeOf(row), why }));
    }
  }

  #count(batch: StoredBatch, facts: readonly StoredFact[] | undefined): void {
    this.#totals.batches++;
    this.#totals.entries += batch.entries.length;
    for (const { entries } of batch.away) this.#totals.away += Number(entries);
    for (const { kind, wallet_id: walletId, seq } of batch.entries) {
      if (kind !== ENTRY_KIND.freeze && kind !== ENTRY_KIND.thaw) continue;
      if (seq > (this.#statuses.get(walletId)?.seq ?? 0n)) this.#statuses.set(walletId, { seq, kind });
    }
    this.#totals.events += facts?.length ?? 0;
    this.#totals.quarantined += batch.quarantine.length;
    if (batch.row.kind === 'usage' && facts === undefined) this.#totals.withoutFacts++;
  }

  #tell(found: LedgerFinding): void {
    if (found.lane !== null && found.batch !== null) this.#named.add(`${found.table} ${found.lane} ${found.batch}`);
    const { account, onFinding } = this.#request;
    if (account !== undefined && found.account !== null && found.account !== account) return;
    this.#totals.findings++;
    onFinding(found);
  }

  async #tellAll<T>(findings: AsyncGenerator<LedgerFinding, T>): Promise<T> {
    for (;;) {
      const { value, done } = await findings.next();
      if (done === true) return value;
      this.#tell(value);
    }
  }

  async #lanesOf(): Promise<readonly number[] | undefined> {
    const { account, tenant } = this.#request;
    if (account === undefined) return undefined;
    const { rows } = await this.#client.query<{ lane: number }>(
      `select distinct e.lane from entry e join wallet w using (wallet_id) where w.tenant_id = $1 and w.account_id = $2
       union select s.lane from wallet w join shard_lane s using (shard) where w.tenant_id = $1 and w.account_id = $2`,
      [tenant, account],
    );
    if (rows.length === 0) throw new AppError('ACCOUNT_NOT_FOUND', `There is no account ${JSON.stringify(account)}.`);
    return rows.map(({ lane }) => lane);
  }

  async #heads() {
    const { rows } = await this.#client.query<{
      lane: number;
      last_batch: bigint;
      chain: Buffer;
      features_through: bigint;
      epoch: bigint;
    }>('select lane, last_batch, chain, features_through, epoch from lane_head join lane_epoch using (lane)');
    const published = (this.#request.heads ?? []).flatMap((text) => parseLaneHead(text) ?? []);
    return { stored: rows, published };
  }
}

/** Tables whose rows the seal of an administrative change covers. */
const CHANGE_TABLES = ['audit_log', 'credit_grant', 'grant_burn', 'event_correction'];

const TABLE_OF: Readonly<Record<string, string>> = {
  audit: 'audit_log',
  burn: 'grant_burn',
  grant: 'credit_grant',
  correction: 'event_correction',
};

function tableOf(record: readonly unknown[]): string {
  return TABLE_OF[String(record[0])] ?? String(record[0]);
}

function tryDecode(bytes: Buffer): readonly StoredFact[] | undefined {
  try {
    return decodeFacts(bytes);
  } catch {
    // Changed bytes no longer unpack; that their hash differs is told by the seal.
    return undefined;
  }
}
