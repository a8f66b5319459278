import { formatMoney } from '../../domain/money/nanos.ts';
import type { UsageTotal } from '../../pipeline/admin/admin-store.ts';
import {
  type SettleOutcome,
  type SettleTotals,
  STAY_REASONS,
  type StayReason,
} from '../../pipeline/admin/settle-results.ts';
import { count } from '../output/words.ts';
import { type ChangeState, totalJson } from './change-view.ts';

/** What settling quarantine did, for programs. */
export function settleJson({ what, wallets, totals }: SettleOutcome, { key, dryRun, isRepeated }: ChangeState) {
  return {
    what,
    wallets,
    totals: totals.map(({ currency, posted, voided, duplicates, stays }) => ({
      currency,
      posted: totalJson(posted),
      voided: totalJson(voided),
      duplicates: totalJson(duplicates),
      stays: Object.fromEntries(STAY_REASONS.map((why) => [why, totalJson(stays[why])])),
    })),
    key,
    dryRun,
    repeated: isRepeated,
  };
}

const WHY: Readonly<Record<StayReason, string>> = {
  wallet_frozen: 'the wallet is frozen. Thaw it first with `tollkeeper wallet thaw`',
  over_limit: 'it does not fit the balance and the overdraft limit, or waits behind usage that does not',
  unknown_meter: 'the meter still has no price at that time. Add it to pricing.yaml and repeat',
  in_future: 'its time has not come yet',
  too_large: 'the charge is more than a wallet can hold. Check the unit of the meter',
};

/** The same for people. */
export function settleText({ wallets, totals }: SettleOutcome): string {
  if (totals.length === 0) return 'Nothing is in quarantine that fits.';
  return totals.flatMap((tally) => lines(tally, wallets)).join('\n');
}

function lines(tally: SettleTotals, wallets: number): readonly string[] {
  const { currency, posted, voided, duplicates, stays } = tally;
  const worth = ({ events, amount }: UsageTotal) => `${count(events, 'event')} worth ${formatMoney(amount, currency)}`;
  const said: string[] = [];
  if (posted.events > 0) said.push(`Posted ${worth(posted)}.`);
  if (voided.events > 0) said.push(`Voided ${worth(voided)}: never charged.`);
  if (duplicates.events > 0) {
    said.push(`Closed ${worth(duplicates)} as duplicates: the same source, id and time were posted elsewhere.`);
  }
  for (const why of STAY_REASONS) if (stays[why].events > 0) said.push(`${worth(stays[why])} stay: ${WHY[why]}.`);
  if (posted.events + voided.events === 0) said.unshift(`Nothing was settled in ${count(wallets, 'wallet')}.`);
  return said;
}
