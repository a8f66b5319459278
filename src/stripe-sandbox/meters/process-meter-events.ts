import type Stripe from 'stripe';
import type { World } from '../world.ts';
import { checkCustomer, checkShape, type MeterProblem } from './check-meter-event.ts';
import type { StoredMeterEvent } from './meter-store.ts';

const SAMPLES_MAX = 5;

interface Refused {
  readonly event: StoredMeterEvent;
  readonly problem: MeterProblem;
}

/** Validates what has waited long enough; events that do not count are reported once per meter, as thin events. */
export function processMeterEvents(world: World): void {
  const nowMs = world.settings.now();
  const due = world.meterStore.waiting.filter((event) => event.receivedAtMs + world.settings.meterDelayMs <= nowMs);
  if (due.length === 0) return;
  world.meterStore.waiting = world.meterStore.waiting.filter(
    (event) => event.receivedAtMs + world.settings.meterDelayMs > nowMs,
  );
  const refused: Refused[] = [];
  for (const event of due) {
    // Canceled before it was counted.
    if (event.state !== 'waiting') continue;
    const problem = checkShape(world, event) ?? checkCustomer(world, event);
    event.state = problem === undefined ? 'counted' : 'refused';
    if (problem === undefined) continue;
    world.meterStore.release(event);
    refused.push({ event, problem });
  }
  report(world, refused);
}

function report(world: World, refused: readonly Refused[]): void {
  const byMeter = new Map<Stripe.Billing.Meter | undefined, Refused[]>();
  for (const one of refused) {
    byMeter.set(one.problem.meter, [...(byMeter.get(one.problem.meter) ?? []), one]);
  }
  for (const [meter, found] of byMeter) {
    const type = meter === undefined ? 'v1.billing.meter.no_meter_found' : 'v1.billing.meter.error_report_triggered';
    const related =
      meter === undefined ? undefined : { id: meter.id, type: 'billing.meter', url: `/v1/billing/meters/${meter.id}` };
    world.emitThin(type, related, reportData(found, world.settings.now()));
  }
}

function reportData(refused: readonly Refused[], nowMs: number) {
  const byCode = new Map<string, Refused[]>();
  for (const one of refused) byCode.set(one.problem.code, [...(byCode.get(one.problem.code) ?? []), one]);
  const received = refused.map(({ event }) => event.receivedAtMs);
  const plural = refused.length === 1 ? 'error' : 'errors';
  return {
    developer_message_summary: `There ${refused.length === 1 ? 'is' : 'are'} ${refused.length} invalid event ${plural}`,
    reason: {
      error_count: refused.length,
      error_types: [...byCode].map(([code, found]) => ({
        code,
        error_count: found.length,
        sample_errors: found.slice(0, SAMPLES_MAX).map(({ event, problem }) => ({
          error_message: problem.message,
          request: { identifier: event.identifier },
        })),
      })),
    },
    validation_start: new Date(Math.min(...received)).toISOString(),
    validation_end: new Date(nowMs).toISOString(),
  };
}
