import type { UsageFilter } from '../admin/quarantine-store.ts';

export const QUARANTINE_STATUSES = ['open', 'posted', 'void', 'duplicate'] as const;
export type QuarantineStatus = (typeof QUARANTINE_STATUSES)[number];

export interface QuarantineFilter extends UsageFilter {
  readonly status: QuarantineStatus;
  readonly limit: number;
}

/** Quarantined usage of one reason and currency, listed or not. */
export interface ReasonTotal {
  readonly reason: string;
  readonly currency: string;
  readonly events: number;
  /** Those of them that have no price: what they cost is not known. */
  readonly withoutPrice: number;
  /** What the others cost, nano-units: the money at risk while they are open. */
  readonly amount: bigint;
  readonly oldestMs: number;
}

/** One event in quarantine, or one that was. */
export interface QuarantinedEvent {
  readonly key: string;
  readonly id: string;
  readonly source: string;
  readonly account: string;
  readonly wallet: string | null;
  readonly meter: string;
  readonly quantity: string | null;
  readonly reason: string;
  readonly status: QuarantineStatus;
  readonly amount: bigint | null;
  readonly currency: string;
  readonly occurredAtMs: number;
  readonly ingestedAtMs: number;
  readonly closedAtMs: number | null;
  readonly closedBy: string | null;
}

/** What is in quarantine: totals of everything the filter fits, and the oldest rows of it. */
export interface QuarantineView {
  readonly totals: readonly ReasonTotal[];
  readonly events: readonly QuarantinedEvent[];
}
