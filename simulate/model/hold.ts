import { eventKeyOf } from '../../src/domain/events/event-key.ts';
import { MINUTE_MS, SECOND_MS } from '../../src/domain/time.ts';
import type { HoldAsk } from '../../src/pipeline/holds/hold-request.ts';
import { type ModelEntry, type ModelWallet, roomOf } from './wallet.ts';

/** Money reserved on a wallet, as the model has it. */
export interface ModelHold {
  readonly holdId: string;
  amount: bigint;
  captureMax: bigint;
  captured: bigint;
  state: 'open' | 'captured' | 'released' | 'expired';
  readonly placedAtMs: number;
  expiresAtMs: number;
  /** Keys of requests that were carried out: sent again, they change nothing. */
  readonly answered: Set<string>;
}

const HOLD_MS_MAX = 7 * 24 * 3_600_000;

/** Carries one request out on a wallet of the caller's own; refused or answered before, it changes nothing. */
export function askHold(
  wallet: ModelWallet,
  { holdId, key, ask }: { readonly holdId: string; readonly key: string; readonly ask: HoldAsk },
  { atMs, overdraftDefault }: { readonly atMs: number; readonly overdraftDefault: bigint },
): readonly ModelEntry[] {
  const hold = wallet.holds.get(holdId);
  if (hold?.answered.has(key) === true) return [];
  const fits = (more: bigint) => wallet.posted - wallet.held - more >= -(wallet.overdraft ?? overdraftDefault);
  const isActive = wallet.status === 'active';
  if (ask.do === 'place') {
    const { amount, captureMax, seconds } = ask;
    if (hold !== undefined || !isActive || !fits(amount)) return [];
    if (wallet.throttle !== null && amount > roomOf(wallet.throttle, atMs)) return [];
    const expiresAtMs = atMs + seconds * SECOND_MS;
    const answered = new Set([key]);
    const placed = { holdId, amount, captureMax, captured: 0n, placedAtMs: atMs, expiresAtMs, answered };
    wallet.holds.set(holdId, { ...placed, state: 'open' });
    return [];
  }
  if (hold === undefined || hold.state !== 'open') return [];
  const isOver = atMs >= hold.expiresAtMs;
  if (ask.do === 'expire') {
    if (isOver && isActive) hold.state = 'expired';
    else if (isOver) hold.expiresAtMs = atMs + 15 * MINUTE_MS;
    return [];
  }
  if (ask.do === 'release') {
    hold.state = 'released';
    hold.answered.add(key);
    return [];
  }
  if (!isActive || isOver) return [];
  if (ask.do === 'extend') {
    const more = (ask.amount ?? hold.amount) - hold.amount;
    if (more < 0n || (more > 0n && !fits(more))) return [];
    const wantedMs = Math.min(atMs + (ask.seconds ?? 0) * SECOND_MS, hold.placedAtMs + HOLD_MS_MAX);
    hold.amount += more;
    hold.captureMax += more;
    hold.expiresAtMs = Math.max(hold.expiresAtMs, wantedMs);
    hold.answered.add(key);
    return [];
  }
  const more = ask.amount - hold.amount;
  if (ask.amount > hold.captureMax || (more > 0n && !fits(more))) return [];
  Object.assign(hold, { state: 'captured', captured: ask.amount });
  hold.answered.add(key);
  const { tenant } = wallet;
  const source = 'tollkeeper\u0001hold';
  return [wallet.capture(eventKeyOf({ tenant, source, id: holdId, occurredAtMs: hold.placedAtMs }), ask.amount, atMs)];
}

/** A hold as text, the same words for the model's and the ledger's. */
export function holdText(hold: Omit<ModelHold, 'answered'>): string {
  const { holdId, amount, captureMax, captured, state, placedAtMs, expiresAtMs } = hold;
  return [holdId, amount, captureMax, captured, state, placedAtMs, expiresAtMs].join(' ');
}
