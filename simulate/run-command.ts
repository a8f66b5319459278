import { parseEventKey } from '../src/domain/events/event-key.ts';
import { addressOf } from '../src/domain/ids.ts';
import { AppError } from '../src/errors.ts';
import { adjust } from '../src/pipeline/admin/adjust.ts';
import type { AdminStore } from '../src/pipeline/admin/admin-store.ts';
import { correctEvent } from '../src/pipeline/admin/correct-event.ts';
import { expireCreditOf } from '../src/pipeline/admin/expire-credit.ts';
import { freeze } from '../src/pipeline/admin/freeze.ts';
import { releaseThrottled } from '../src/pipeline/admin/release-throttled.ts';
import { setLimits } from '../src/pipeline/admin/set-limits.ts';
import { settleQuarantine } from '../src/pipeline/admin/settle-quarantine.ts';
import { thaw } from '../src/pipeline/admin/thaw.ts';
import { topUp } from '../src/pipeline/admin/top-up.ts';
import { changeHold } from '../src/pipeline/holds/change-hold.ts';
import type { HoldAnswer } from '../src/pipeline/holds/hold-answer.ts';
import { type HoldRequest, holdRequest } from '../src/pipeline/holds/hold-request.ts';
import type { Command } from './command.ts';
import { simulatedRuleset } from './ruleset.ts';
import { CURRENCY, TENANT } from './usage.ts';

/** Carries a command out with the code that the command line and the sweepers use; answers requests about holds. */
export async function runCommand(
  store: AdminStore,
  command: Command,
  { nowMs, dryRun }: { readonly nowMs: number; readonly dryRun: boolean },
): Promise<HoldAnswer | undefined> {
  const { overdraftNanos } = simulatedRuleset();
  const { account, key } = command;
  const common = { key, actor: 'simulator', reason: 'simulated', nowMs, dryRun };
  const wallet = { tenant: TENANT, name: account };
  const scope = { ...addressOf(TENANT, account, CURRENCY), nowMs };
  switch (command.do) {
    case 'topup': {
      const { amount, source, priority, expiresAtMs } = command;
      await topUp(store, {
        ...common,
        tenant: TENANT,
        account,
        currency: CURRENCY,
        amount,
        source,
        overdraftNanos,
        ...(priority === undefined ? {} : { priority }),
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      });
      return undefined;
    }
    case 'freeze':
      await freeze(store, { ...common, wallet, hours: command.hours });
      return undefined;
    case 'thaw': {
      const { usage, onlyExpired } = command;
      await thaw(store, { ...common, wallet, usage, overdraftNanos, ...(onlyExpired ? { onlyExpired } : {}) });
      return undefined;
    }
    case 'adjust':
      await adjust(store, { ...common, wallet, kind: command.kind, amount: command.amount, overdraftNanos });
      return undefined;
    case 'limits': {
      const { overdraft, throttle } = command;
      await setLimits(store, {
        ...common,
        wallet,
        overdraftNanos,
        ...(overdraft === undefined ? {} : { overdraftLimit: overdraft }),
        ...(throttle === undefined ? {} : { throttle }),
      });
      return undefined;
    }
    case 'amend': {
      const event = await store.corrections.findPosted(TENANT, parseEventKey(command.event));
      if (event === undefined) throw new AppError('EVENT_NOT_FOUND', 'No posted usage has this key.');
      await correctEvent(store, { ...common, event, to: command.to, ruleset: simulatedRuleset() });
      return undefined;
    }
    case 'settle': {
      const { what, filter } = command;
      const { pricing } = simulatedRuleset();
      await settleQuarantine(store, { ...common, what, filter, pricing, overdraftNanos });
      return undefined;
    }
    case 'hold':
      return changeHold(store, holdRequestFor(command, nowMs), { overdraftNanos, dryRun });
    case 'expire':
      await expireCreditOf(store, scope);
      return undefined;
    case 'release':
      await releaseThrottled(store, { ...scope, overdraftNanos });
      return undefined;
  }
}

/** The same request for the lane's own writer and for the direct path. */
export function holdRequestFor(command: Extract<Command, { readonly do: 'hold' }>, nowMs: number): HoldRequest {
  const { account, key, holdId, ask } = command;
  const common = { tenant: TENANT, currency: CURRENCY, actor: 'simulator', reason: 'simulated' };
  return holdRequest({ ...common, account, key, holdId, ask, nowMs });
}
