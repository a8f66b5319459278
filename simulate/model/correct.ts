import { correctionKeys } from '../../src/domain/events/correction-key.ts';
import { formatEventKey, parseEventKey } from '../../src/domain/events/event-key.ts';
import type { UsageEvent } from '../../src/domain/events/usage-event.ts';
import type { Command } from '../command.ts';
import { KIND, type ModelEntry, type ModelWallet, rounded } from './wallet.ts';

/** What a posted event charges now, all corrections counted. */
export interface ModelCharge {
  readonly event: UsageEvent;
  readonly amount: bigint;
  readonly corrections: number;
  readonly isVoid: boolean;
}

/** What a correction comes to; the caller puts the charge in force. */
export type ModelCorrection =
  | { readonly refused: string }
  | { readonly refused: undefined; readonly entries: readonly ModelEntry[]; readonly charge: ModelCharge };

/** Credits what an event charges so far and charges anew, on a wallet of the caller's own. */
export function correct(
  wallet: ModelWallet,
  { event: key, to }: Extract<Command, { readonly do: 'amend' }>,
  terms: {
    readonly charge: ModelCharge | undefined;
    readonly overdraftDefault: bigint;
    readonly exactCost: (event: UsageEvent) => bigint | null;
  },
): ModelCorrection {
  const { charge, overdraftDefault, exactCost } = terms;
  if (charge === undefined) throw new RangeError(`${key} is not posted, and nobody can ask for its correction`);
  if (charge.isVoid) return { refused: 'EVENT_VOIDED' };
  const exact = to.kind === 'quantity' ? exactCost({ ...charge.event, quantity: to.quantity }) : 0n;
  if (exact === null) return { refused: 'PRICE_UNKNOWN' };
  const amount = to.kind === 'amount' ? to.amount : rounded(exact);
  const more = amount - charge.amount;
  if (more > 0n && wallet.status !== 'active') return { refused: 'WALLET_STATE' };
  if (more > 0n && wallet.posted - wallet.held - more < -(wallet.overdraft ?? overdraftDefault)) {
    return { refused: 'OVER_LIMIT' };
  }
  const corrections = charge.corrections + 1;
  const keys = correctionKeys(wallet.tenant, parseEventKey(key), corrections);
  const entries = [wallet.post(formatEventKey(keys.reversal), KIND.reversal, charge.amount)];
  const isVoid = to.kind === 'void';
  if (!isVoid) entries.push(wallet.debit(keys.amended, KIND.amended, amount));
  return { refused: undefined, entries, charge: { ...charge, amount, corrections, isVoid } };
}
