import { hourlySeries } from '../../domain/features/account-features.ts';
import { HOUR_MS } from '../../domain/time.ts';
import type { Replay, ReplayAlert } from './replay.ts';
import type { ReplayAccount } from './replay-account.ts';

/** How many accounts are drawn. */
const KEPT_MAX = 8;

const HOURS_BEFORE = 96;
const HOURS_AFTER = 24;

/** An account worth drawing, with its hours once they are over. */
export interface Caught {
  readonly alert: ReplayAlert;
  readonly fromMs: number;
  /** Nano-units per hour; empty until the hours after the alert have passed. */
  spendNanos: readonly number[];
}

/** Keeps the accounts whose first alert had the most money above the usual, and their hours before and after it. */
export class CaughtAccounts {
  readonly #kept = new Map<string, Caught>();

  add(alert: ReplayAlert): void {
    if (!(alert.excessNanos > 0)) return;
    const known = this.#kept.get(alert.account);
    if (known !== undefined) return;
    if (this.#kept.size >= KEPT_MAX) {
      const least = [...this.#kept.values()].reduce((a, b) => (b.alert.excessNanos < a.alert.excessNanos ? b : a));
      if (least.alert.excessNanos >= alert.excessNanos) return;
      this.#kept.delete(least.alert.account);
    }
    const hour = Math.floor(alert.atMs / HOUR_MS);
    this.#kept.set(alert.account, { alert, fromMs: (hour - HOURS_BEFORE) * HOUR_MS, spendNanos: [] });
  }

  /** Takes the hours of alerts that lie far enough back; with `isEnd`, of all that are left. Call it now and then. */
  take(replay: Replay, isEnd: boolean): void {
    for (const caught of this.#kept.values()) {
      const toMs = caught.fromMs + (HOURS_BEFORE + HOURS_AFTER) * HOUR_MS;
      if (caught.spendNanos.length > 0 || (replay.clockMs < toMs && !isEnd)) continue;
      caught.spendNanos = hoursOf(replay.accounts.get(caught.alert.account), caught.fromMs, toMs, replay.clockMs);
    }
  }

  /** Those with the most money first. */
  list(): readonly Caught[] {
    return [...this.#kept.values()].sort((a, b) => b.alert.excessNanos - a.alert.excessNanos);
  }
}

function hoursOf(account: ReplayAccount | undefined, fromMs: number, toMs: number, clockMs: number): number[] {
  if (account === undefined) return [];
  return hourlySeries(account.features, 'spend', fromMs, Math.min(toMs, clockMs + HOUR_MS));
}
