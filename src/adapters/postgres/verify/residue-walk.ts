import { eventKeyOf, formatEventKey } from '../../../domain/events/event-key.ts';
import { formatWalletId } from '../../../domain/ids.ts';
import { ENTRY_KIND } from '../../../domain/ledger/wallet.ts';
import { chargeFor, type ExactCharge } from '../../../domain/money/price.ts';
import { parseQuantity } from '../../../domain/money/quantity.ts';
import { amountToPay, residueAfter } from '../../../domain/money/residue.ts';
import type { Ruleset } from '../../../domain/rules/ruleset.ts';
import type { StoredFact } from '../../../pipeline/lane/facts-codec.ts';
import { finding, type LedgerFinding } from '../../../pipeline/queries/ledger-finding.ts';
import { changedEntry } from './check-entry.ts';
import type { EntryRow, StoredBatch } from './stored-batch.ts';

/** How far a wallet was followed: its last number, and what rounding has left it with; undefined when that is not known. */
interface Carried {
  seq: bigint;
  residue: bigint | undefined;
}

/**
 * Follows what rounding leaves from charge to charge of each wallet, and prices every charge exactly with it. A wallet of
 * which an entry was not seen, or a charge of another ruleset, may be a nano off from then on: that much is allowed. Holds
 * two numbers a wallet in memory.
 */
export class ResidueWalk {
  readonly #wallets = new Map<bigint, Carried>();
  readonly #ruleset: Ruleset | undefined;

  constructor(ruleset: Ruleset | undefined) {
    this.#ruleset = ruleset;
  }

  /** What a wallet must carry now; undefined when it is not known. */
  residueOf(walletId: bigint, seq: bigint): bigint | undefined {
    const carried = this.#wallets.get(walletId) ?? { seq: 0n, residue: 0n };
    return carried.seq === seq ? carried.residue : undefined;
  }

  /** The charges of a batch that cost another amount, priced again. */
  check(batch: StoredBatch, facts: readonly StoredFact[] | undefined): readonly LedgerFinding[] {
    const posted = new Map<string, StoredFact>();
    for (const fact of facts ?? []) if (fact.status === 'posted') posted.set(formatEventKey(eventKeyOf(fact)), fact);
    return batch.entries.flatMap((row) => this.#checkEntry(batch, row, posted.get(row.event_key)));
  }

  #checkEntry(batch: StoredBatch, row: EntryRow, fact: StoredFact | undefined): readonly LedgerFinding[] {
    const carried = this.#wallets.get(row.wallet_id) ?? { seq: 0n, residue: 0n };
    this.#wallets.set(row.wallet_id, carried);
    if (row.seq !== carried.seq + 1n) carried.residue = undefined;
    carried.seq = row.seq;
    if (row.kind === ENTRY_KIND.released) return checkReleased(carried, row);
    if (row.kind !== ENTRY_KIND.usage && row.kind !== ENTRY_KIND.fact) return [];
    const exact = this.#priceOf(batch, fact);
    if (fact === undefined || exact === undefined) {
      carried.residue = undefined;
      return [];
    }
    const paid = fact.amount ?? 0n;
    const expected = exact === 'no price' ? undefined : pay(carried, exact, paid);
    if (expected === paid) return [];
    carried.residue = undefined;
    const values = { column: 'facts', stored: paid.toString(), expected: expected?.toString() ?? null };
    const place = { lane: row.lane, batch: row.batch_no.toString(), account: fact.account, eventKey: row.event_key };
    const why = `${fact.quantity} ${fact.meter} cost another amount under the prices of that batch`;
    return [finding({ what: 'changed', table: 'batch_facts', ...values, ...place, eventId: fact.id, why })];
  }

  /** The exact price of an event by the rules of its batch; undefined when those are not at hand. */
  #priceOf({ row }: StoredBatch, fact: StoredFact | undefined): ExactCharge | 'no price' | undefined {
    const ruleset = this.#ruleset;
    if (fact === undefined || ruleset === undefined || ruleset.hash !== row.ruleset_hash) return undefined;
    const quantity = parseQuantity(fact.quantity);
    const charge = typeof quantity === 'string' ? quantity : chargeFor(ruleset.pricing, { ...fact, quantity });
    return typeof charge === 'string' ? 'no price' : charge;
  }
}

function checkReleased(carried: Carried, row: EntryRow): readonly LedgerFinding[] {
  if (row.q_amount === null) {
    carried.residue = undefined;
    return [];
  }
  const expected = pay(carried, { nanos: row.q_amount, attos: row.q_residue ?? 0n }, -row.amount);
  if (expected !== -row.amount) carried.residue = undefined;
  return changedEntry(
    row,
    'amount',
    row.amount,
    -expected,
    'its row of quarantine says another amount; one of them was changed',
  );
}

/** What must have been paid for a charge; where the residue is not known, what was paid if it is at most a nano off. */
function pay(carried: Carried, exact: ExactCharge, paid: bigint): bigint {
  if (carried.residue === undefined) {
    const apart = paid - exact.nanos;
    return exact.attos !== 0n && apart >= -1n && apart <= 1n ? paid : exact.nanos;
  }
  const expected = amountToPay(carried.residue, exact);
  carried.residue = residueAfter(carried.residue, exact, expected);
  return expected;
}

/** A wallet that carries another residue than its charges left. */
export function changedResidue(
  wallet: { readonly wallet_id: bigint; readonly account_id: string; readonly residue: bigint },
  expected: bigint | undefined,
): readonly LedgerFinding[] {
  if (expected === undefined || expected === wallet.residue) return [];
  const values = { column: 'residue', stored: wallet.residue.toString(), expected: expected.toString() };
  const whose = { account: wallet.account_id, wallet: formatWalletId(wallet.wallet_id) };
  return [finding({ what: 'changed', table: 'wallet', ...values, ...whose, why: 'its charges leave another rest' })];
}
