import type pg from 'pg';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import type { ExactCharge } from '../../../domain/money/price.ts';
import type { StoredFact } from '../../../pipeline/lane/facts-codec.ts';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { isArchivedSql } from './archived-day-sql.ts';

const ATTOS_PER_NANO = 10n ** 18n;

/** Wallets compared at a time. */
const PAGE = 5_000;

/**
 * What rounding left out of each wallet's charges, computed again from the stored events, against the residue the wallet
 * carries: what was paid and what is carried must be exactly what everything cost.
 */
export class ResidueProof {
  readonly #left = new Map<string, bigint>();
  /** Accounts with charges of another ruleset, whose exact cost is not known any more. */
  readonly #unknown = new Set<string>();

  /** A charge that was priced again, and what was paid for it. */
  add(fact: StoredFact, exact: ExactCharge): void {
    const name = nameOf(fact.tenant, fact.account);
    const left = exact.attos + (exact.nanos - (fact.amount ?? 0n)) * ATTOS_PER_NANO;
    if (left !== 0n) this.#left.set(name, (this.#left.get(name) ?? 0n) + left);
  }

  /** A charge whose price is not known any more. */
  skip(fact: StoredFact): void {
    this.#unknown.add(nameOf(fact.tenant, fact.account));
  }

  async prove(client: pg.PoolClient, currency: string | undefined): Promise<Proof> {
    const wrong: string[] = [];
    for (const { tenant_id, account_id } of await accountsWithoutFacts(client))
      this.#unknown.add(nameOf(tenant_id, account_id));
    let wallets = 0;
    for await (const row of carriedResidues(client)) {
      const name = nameOf(row.tenant_id, row.account_id);
      if (row.currency !== currency || row.is_archived || this.#unknown.has(name)) continue;
      wallets++;
      const computed = (this.#left.get(name) ?? 0n) + BigInt(row.released);
      if (computed !== row.residue)
        wrong.push(`${row.account_id} carries ${row.residue}, its charges leave ${computed}`);
    }
    const examples = wrong.length === 0 ? '' : `; wrong: ${wrong.slice(0, 3).join(', ')}`;
    return {
      name: 'what rounding leaves is carried',
      ok: wrong.length === 0,
      detail: `${wallets} wallets, exact to 10⁻¹⁸ of a nano-unit${examples}`,
    };
  }
}

/** Accounts charged in batches whose stored events are gone: their exact cost is not known any more. */
async function accountsWithoutFacts(client: pg.PoolClient) {
  const { rows } = await client.query<Pick<ResidueRow, 'tenant_id' | 'account_id'>>(
    `select distinct w.tenant_id, w.account_id from batch b join entry e using (lane, batch_no) join wallet w using (wallet_id)
     where b.kind = 'usage' and not exists (select from batch_facts f where f.lane = b.lane and f.batch_no = b.batch_no)`,
  );
  return rows;
}

interface ResidueRow {
  readonly wallet_id: bigint;
  readonly tenant_id: string;
  readonly account_id: string;
  readonly currency: string;
  readonly residue: bigint;
  readonly released: string;
  /** Some of its released usage is in archived days, where what was paid for each event is not at hand. */
  readonly is_archived: boolean;
}

/** Each wallet's residue, and what its released usage left, in 10^-18 nano-units. */
async function* carriedResidues(client: pg.PoolClient): AsyncIterable<ResidueRow> {
  let after = -(2n ** 63n);
  for (;;) {
    const { rows }: { rows: ResidueRow[] } = await client.query<ResidueRow>(
      `select w.wallet_id, w.tenant_id, w.account_id, w.currency, w.residue, coalesce((
         select sum((q.amount + e.amount)::numeric * ${ATTOS_PER_NANO} + q.residue)
         from quarantine q join entry e using (event_key)
         where q.wallet_id = w.wallet_id and q.status = 'posted' and e.kind = $3), 0)::text as released,
         exists (select from quarantine q where q.wallet_id = w.wallet_id and q.status = 'posted'
           and ${isArchivedSql('q.event_key')}) as is_archived
       from wallet w where w.wallet_id > $1 order by w.wallet_id limit $2`,
      [after, PAGE, ENTRY_KIND.released],
    );
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.wallet_id;
  }
}

function nameOf(tenant: string, account: string): string {
  return JSON.stringify([tenant, account]);
}
