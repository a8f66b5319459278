import { formatDecimal } from '../../domain/money/nanos.ts';
import { formatIso, HOUR_MS } from '../../domain/time.ts';
import type { DemoChart } from './demo-report.ts';
import type { DemoAttack } from './plan.ts';
import type { Recorder } from './recorder.ts';

/** Hours shown before the attack and after its end. */
const HOURS_BEFORE = 36;
const HOURS_AFTER = 12;
const HOURS_MAX = 96;

/** The hours around one caught attack, against what this account spends in such an hour of the day otherwise. */
export function chartAttack(attack: DemoAttack, recorder: Recorder): DemoChart {
  const hours = recorder.hours(attack.account);
  const attackHour = Math.floor(attack.startMs / HOUR_MS);
  const first = attackHour - HOURS_BEFORE;
  const last = Math.min(
    Math.floor(attack.endMs / HOUR_MS) + HOURS_AFTER,
    first + HOURS_MAX - 1,
    Math.floor(recorder.span().toMs / HOUR_MS),
  );
  const usualOf = usualByHourOfDay(recorder, attack.account, attackHour);
  const shown = Array.from({ length: Math.max(1, last - first + 1) }, (_, index) => first + index);
  const freeze = recorder.freezes().find(({ account, atMs }) => account === attack.account && atMs >= attack.startMs);
  return {
    account: attack.account,
    from: formatIso(first * HOUR_MS),
    charged: shown.map((hour) => formatDecimal(hours.get(hour)?.charged ?? 0n)),
    refused: shown.map((hour) => formatDecimal(hours.get(hour)?.refused ?? 0n)),
    usual: shown.map((hour) => formatDecimal(usualOf(hour))),
    attackAt: formatIso(attack.startMs),
    frozenAt: freeze === undefined ? null : formatIso(freeze.atMs),
  };
}

/** Mean spend of the account by hour of the day, over the whole days before the attack. */
function usualByHourOfDay(recorder: Recorder, account: string, beforeHour: number): (hour: number) => bigint {
  const hours = recorder.hours(account);
  const firstHour = Math.floor(recorder.span().fromMs / HOUR_MS);
  const sums = new Array<bigint>(24).fill(0n);
  const days = new Array<bigint>(24).fill(0n);
  for (let hour = firstHour; hour < beforeHour; hour++) {
    sums[hour % 24] = (sums[hour % 24] ?? 0n) + (hours.get(hour)?.charged ?? 0n);
    days[hour % 24] = (days[hour % 24] ?? 0n) + 1n;
  }
  return (hour) => {
    const count = days[hour % 24] ?? 0n;
    return count === 0n ? 0n : (sums[hour % 24] ?? 0n) / count;
  };
}
