import { z } from 'zod';
import type { MeterErrorReport } from '../../pipeline/usage-export/export-port.ts';

const TYPES = ['v1.billing.meter.error_report_triggered', 'v1.billing.meter.no_meter_found'] as const;
const TEXT_MAX = 500;

const REPORT = z.object({
  id: z.string(),
  type: z.enum(TYPES),
  related_object: z.object({ id: z.string() }).nullish(),
  data: z.object({
    reason: z.object({
      error_types: z.array(
        z.object({
          code: z.string().max(TEXT_MAX),
          error_count: z.number().int().nonnegative(),
          sample_errors: z.array(
            z.object({ error_message: z.string(), request: z.object({ identifier: z.string() }) }),
          ),
        }),
      ),
    }),
  }),
});

/** Whether an event of this type is an error report. */
export function isMeterErrorReport(type: string): boolean {
  return TYPES.some((known) => known === type);
}

/** The report in an event fetched from Stripe; undefined when it is none, or not as Stripe's types say. */
export function readMeterErrorReport(event: unknown): MeterErrorReport | undefined {
  const { success, data: report } = REPORT.safeParse(event);
  if (!success) return undefined;
  return {
    eventId: report.id,
    meter: report.related_object?.id ?? null,
    errors: report.data.reason.error_types.map(({ code, error_count: count, sample_errors: samples }) => ({
      code,
      count,
      samples: samples.map(({ error_message: message, request: { identifier } }) => ({
        identifier,
        message: message.slice(0, TEXT_MAX),
      })),
    })),
  };
}
