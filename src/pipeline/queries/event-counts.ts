import type { QuarantineReason, RejectionCode } from '../../domain/events/usage-event.ts';

/** How many events became what. Amounts are nano-units. */
export interface EventCounts {
  readonly posted: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly rejected: number;
  readonly chargedNanos: bigint;
  readonly quarantinedNanos: bigint;
  readonly quarantinedBy: Readonly<Partial<Record<QuarantineReason, number>>>;
  readonly rejectedBy: Readonly<Partial<Record<RejectionCode, number>>>;
}
