import { formatEventKey } from '../../src/domain/events/event-key.ts';
import type { UsageEvent } from '../../src/domain/events/usage-event.ts';
import { derivedId } from '../../src/domain/ids.ts';
import { lesser } from '../../src/domain/money/nanos.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import type { Command } from '../command.ts';
import { correct, type ModelCharge } from './correct.ts';
import { askHold } from './hold.ts';
import { type SettleState, settle } from './settle.ts';
import { KIND, type ModelEntry, type ModelUsage, type ModelWallet, rounded } from './wallet.ts';

/** What the model says of one database transaction of the direct path. */
export type ModelChange =
  | { readonly refused: string }
  | {
      readonly refused: undefined;
      readonly entries: readonly ModelEntry[];
      readonly isAnswered: boolean;
      /** What the corrected event charges from now on. */
      readonly charge?: ModelCharge;
      /** How far the attempt is with this wallet. */
      readonly settling?: SettleState;
    };

export interface ChangeTerms {
  readonly atMs: number;
  /** The time the request itself carries. */
  readonly nowMs: number;
  /** 0 for the first transaction of a command. */
  readonly round: number;
  readonly overdraftDefault: bigint;
  readonly releaseMax: number;
  /** At each look at open usage, the keys that other lanes had posted: taken off the front as rounds look. */
  readonly looks: ReadonlySet<string>[];
}

/** What a correction or a settlement is judged with beside the wallet; they say afterwards what is to be remembered. */
export interface ChangeMemory {
  readonly charge: ModelCharge | undefined;
  readonly exactCost: (event: UsageEvent) => bigint | null;
  readonly usageDays: readonly number[];
  readonly settling: SettleState;
}

type CommandOf<K extends Command['do']> = Extract<Command, { readonly do: K }>;

/** Applies one transaction of a command to a wallet of the caller's own, which throws it away if this refuses. */
export function applyCommand(
  wallet: ModelWallet,
  command: Command,
  terms: ChangeTerms,
  memory: ChangeMemory,
): ModelChange {
  switch (command.do) {
    case 'topup':
      return terms.round === 0
        ? topUp(wallet, command, terms)
        : unanswered(releaseIfActive(wallet, ['over_limit'], terms));
    case 'freeze':
      return freeze(wallet, command, terms);
    case 'thaw':
      return thaw(wallet, command, terms);
    case 'adjust':
      return terms.round === 0 ? adjust(wallet, command, terms) : unanswered(releaseIfActive(wallet, WAITING, terms));
    case 'limits':
      return terms.round === 0 ? limit(wallet, command, terms) : unanswered(releaseIfActive(wallet, WAITING, terms));
    case 'amend':
      return amend(wallet, command, terms, memory);
    case 'settle': {
      const { entries, state } = settle(wallet, command, memory.settling, { ...terms, usageDays: memory.usageDays });
      return { ...unanswered(entries), settling: state };
    }
    case 'hold':
      // Whatever becomes of the request, credit whose time is over goes first.
      return unanswered([...wallet.expire(terms.atMs), ...askHold(wallet, command, terms)]);
    case 'expire':
      return unanswered(wallet.expire(terms.atMs));
    case 'release':
      return unanswered(releaseIfActive(wallet, ['throttled'], terms));
  }
}

/** What waits for money, and what waits for a period with room. */
const WAITING = ['over_limit', 'throttled'] as const;

/** An end that moves by less is not worth a second message. */
const SAME_END_MS = 60_000;

function answered(entries: readonly ModelEntry[]): ModelChange {
  return { refused: undefined, entries, isAnswered: true };
}

function unanswered(entries: readonly ModelEntry[]) {
  return { refused: undefined, entries, isAnswered: false } as const;
}

function topUp(wallet: ModelWallet, command: CommandOf<'topup'>, terms: ChangeTerms): ModelChange {
  const { amount, source, key, priority, expiresAtMs = null } = command;
  const { atMs } = terms;
  const entries = wallet.expire(atMs);
  if (expiresAtMs !== null && expiresAtMs <= atMs) return { refused: 'GRANT_EXPIRED' };
  const isGrant = source === 'promotional' || priority !== undefined || expiresAtMs !== null;
  const before = wallet.posted;
  entries.push(wallet.post(wallet.ownKey(key, atMs), isGrant ? KIND.grant : KIND.topup, amount));
  if (isGrant) {
    // What is owed is paid first; only the rest can be spent.
    const rest = before < 0n ? amount + before : amount;
    if (rest > 0n) {
      wallet.grants.push({
        grantId: derivedId('grt', [wallet.tenant, key]),
        priority: priority ?? (source === 'promotional' ? 20 : 50),
        expiresAtMs,
        createdAtMs: atMs,
        remaining: rest,
      });
    }
  }
  noteFunded(wallet, before);
  entries.push(...releaseIfActive(wallet, ['over_limit'], terms));
  return answered(entries);
}

function freeze(wallet: ModelWallet, { key, hours }: CommandOf<'freeze'>, { atMs }: ChangeTerms): ModelChange {
  if (wallet.status === 'thawing') return { refused: 'WALLET_STATE' };
  const untilMs = atMs + hours * HOUR_MS;
  // A freeze in force is only ever extended.
  if (wallet.status === 'frozen' && untilMs <= (wallet.frozenUntilMs ?? 0) + SAME_END_MS) return answered([]);
  wallet.freeze(atMs, untilMs);
  return answered([wallet.post(wallet.ownKey(key, atMs), KIND.freeze, 0n)]);
}

function thaw(wallet: ModelWallet, command: CommandOf<'thaw'>, terms: ChangeTerms): ModelChange {
  const { key, usage, onlyExpired } = command;
  const hasExpired = wallet.status === 'frozen' && wallet.frozenUntilMs !== null && wallet.frozenUntilMs <= terms.nowMs;
  if (onlyExpired && !hasExpired) return { refused: 'WALLET_STATE' };
  if (wallet.status === 'thawing' && usage !== 'post') return { refused: 'WALLET_STATE' };
  if (wallet.status === 'active' && (usage === 'keep' || wallet.open('frozen').length === 0)) {
    return { refused: 'WALLET_STATE' };
  }
  const entries: ModelEntry[] = [];
  if (usage === 'void') for (const row of wallet.open('frozen')) row.status = 'void';
  if (usage === 'post') {
    const round = releaseRound(wallet, 'frozen', terms);
    entries.push(...round.entries);
    if (round.isCut) {
      wallet.status = 'thawing';
      wallet.frozenUntilMs = null;
      return unanswered(entries);
    }
  }
  if (wallet.status !== 'active') {
    wallet.thaw();
    entries.push(wallet.post(wallet.ownKey(key, terms.atMs), KIND.thaw, 0n));
  }
  return answered(entries);
}

function adjust(wallet: ModelWallet, { key, kind, amount }: CommandOf<'adjust'>, terms: ChangeTerms): ModelChange {
  const { atMs } = terms;
  const entries = wallet.expire(atMs);
  const before = wallet.posted;
  if (kind === 'refund') {
    const base = wallet.posted - wallet.granted;
    const refundable = lesser(base, wallet.posted - wallet.held);
    if (amount > refundable) return { refused: 'REFUND_TOO_LARGE' };
  }
  const signed = kind === 'refund' || kind === 'dispute' ? -amount : amount;
  entries.push(
    signed < 0n
      ? wallet.takeOut(wallet.ownEventKey(key, atMs), KIND[kind], -signed)
      : wallet.post(wallet.ownKey(key, atMs), KIND[kind], signed),
  );
  noteFunded(wallet, before);
  // Money that comes in pays for usage that waited.
  if (signed > 0n) entries.push(...releaseIfActive(wallet, WAITING, terms));
  return answered(entries);
}

function amend(
  wallet: ModelWallet,
  command: CommandOf<'amend'>,
  terms: ChangeTerms,
  { charge: before, exactCost }: ChangeMemory,
): ModelChange {
  const entries = wallet.expire(terms.atMs);
  const posted = wallet.posted;
  const { overdraftDefault } = terms;
  const corrected = correct(wallet, command, { charge: before, overdraftDefault, exactCost });
  if (corrected.refused !== undefined) return corrected;
  entries.push(...corrected.entries);
  noteFunded(wallet, posted);
  // Only a correction that lowers the charge is a credit.
  const isCredit = before !== undefined && before.amount > corrected.charge.amount;
  if (isCredit) entries.push(...releaseIfActive(wallet, ['over_limit'], terms));
  return { refused: undefined, entries, isAnswered: true, charge: corrected.charge };
}

function limit(wallet: ModelWallet, command: CommandOf<'limits'>, terms: ChangeTerms): ModelChange {
  const { overdraft, throttle } = command;
  if (overdraft !== undefined) wallet.overdraft = overdraft;
  if (throttle !== undefined) wallet.limitSpending(throttle, terms.atMs);
  return answered(releaseIfActive(wallet, WAITING, terms));
}

function releaseIfActive(wallet: ModelWallet, reasons: readonly string[], terms: ChangeTerms): ModelEntry[] {
  if (wallet.status !== 'active') return [];
  return reasons.flatMap((reason) => releaseRound(wallet, reason, terms).entries);
}

/**
 * Posts what fits, oldest first, up to the first that does not; from then on all of it waits for what that one lacks. What
 * another lane has posted is closed. Throttled usage that no period has room for is passed over.
 */
function releaseRound(
  wallet: ModelWallet,
  reason: string,
  { atMs, overdraftDefault, releaseMax, looks }: ChangeTerms,
): { readonly entries: ModelEntry[]; readonly isCut: boolean } {
  const entries = wallet.expire(atMs);
  const taken = looks.shift() ?? new Set();
  const { throttle } = wallet;
  const isOversized = ({ exact }: ModelUsage) => throttle !== null && isMore(exact ?? 0n, throttle.limit);
  const rows = wallet
    .open(reason)
    .filter((row) => row.exact !== null && (reason !== 'throttled' || !isOversized(row)))
    .slice(0, releaseMax);
  let done = 0;
  for (const row of rows) {
    if (taken.has(formatEventKey(row.key))) row.status = 'duplicate';
    else {
      const exact = row.exact ?? 0n;
      const obstacle = wallet.refusal(wallet.toPay(exact), overdraftDefault, atMs);
      if (obstacle !== undefined) {
        for (const waiting of wallet.open(reason)) waiting.reason = obstacle;
        break;
      }
      entries.push(wallet.charge(row.key, exact, KIND.released, atMs));
      row.status = 'posted';
    }
    done++;
  }
  return { entries, isCut: done === releaseMax };
}

/** Whether an exact cost can be more than a whole period's limit once it is rounded with what the wallet carries. */
function isMore(exact: bigint, limit: bigint): boolean {
  const shown = rounded(exact);
  return shown > limit || (shown === limit && exact !== shown * 10n ** 18n);
}

function noteFunded(wallet: ModelWallet, before: bigint): void {
  if (before < 0n && wallet.posted >= 0n && wallet.status === 'active') wallet.statusSequence++;
}

/** The nano-units a row of quarantine shows. */
export function shownAmount(exact: bigint | null): bigint | null {
  return exact === null ? null : rounded(exact);
}
