import type pg from 'pg';
import { createAdminStore } from '../adapters/postgres/admin/admin-store.ts';
import { createDeliveryStore } from '../adapters/postgres/delivery-store.ts';
import { createDunningStore } from '../adapters/postgres/dunning/dunning-store.ts';
import { createStoryStore } from '../adapters/postgres/story-store.ts';
import { createMoneyStore } from '../adapters/postgres/stripe/money-store.ts';
import type { Config } from '../config.ts';
import { type Destination, routesOf } from '../domain/delivery/routes.ts';
import type { Ruleset } from '../domain/rules/ruleset.ts';
import { startSweep } from '../pipeline/admin/sweep-loop.ts';
import { type DunningParts, planAfterDecline } from '../pipeline/dunning/dunning.ts';
import { type DunningSweep, sweepDunning } from '../pipeline/dunning/sweep-dunning.ts';
import type { MoneyIn } from '../pipeline/stripe/money-in.ts';
import { createChannels, type DeliveryConfig } from './delivery.ts';

export type DunningConfig = DeliveryConfig & Pick<Config, 'dunningSends' | 'dunningSlows' | 'payUrl'>;

/** What follows a failed top-up, on an open database. */
export function createDunning(
  pool: pg.Pool,
  {
    config,
    ruleset,
    now,
  }: { readonly config: DunningConfig; readonly ruleset: () => Ruleset; readonly now: () => number },
): DunningSweep {
  const money = createMoneyStore(pool);
  const deliveries = createDeliveryStore(pool);
  const open = new Set<Destination>(createChannels(config).map(({ destination }) => destination));
  return {
    store: createDunningStore(pool),
    openCase: money.openCase,
    alone: money.alone,
    admin: createAdminStore(pool),
    stories: createStoryStore(pool),
    async queue(tenant, message, email) {
      const to = routesOf(message.kind, open)
        // Whoever has no address gets no mail; programs hear of it all the same.
        .filter((destination) => destination !== 'customer' || email !== null)
        .map((destination) => ({ destination, target: destination === 'customer' ? email : null }));
      await deliveries.queue({ tenant, message, to }, now());
    },
    overdraftNanos: () => ruleset().overdraftNanos,
    sends: config.dunningSends,
    slows: config.dunningSlows,
    payUrl: config.payUrl ?? null,
    now,
  };
}

/** Money in whose declined automatic top-ups are tried again when they are likely to go through. */
export function withDunning(money: MoneyIn, dunning: DunningParts): MoneyIn {
  return {
    ...money,
    afterDecline: (topUp, decline, nowMs) => planAfterDecline(dunning, topUp, decline, nowMs),
  };
}

/** Looks after failed top-ups every few seconds until it is closed. */
export function startDunning(
  parts: DunningSweep,
  onRetry: (what: string, attempt: number, error: unknown) => void,
): { readonly close: () => Promise<void> } {
  return startSweep({ what: 'dunning', onRetry, sweep: () => sweepDunning(parts).then(() => undefined) });
}
