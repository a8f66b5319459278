import type { EventStatus } from '../../domain/events/usage-event.ts';

/** A rejected event with what came in, so that nothing disappears: it can be corrected and sent again. */
export interface RejectedEvent {
  readonly status: Extract<EventStatus, { status: 'rejected' }>;
  readonly position: number;
  readonly tenant: string;
  readonly source: string | null;
  readonly raw: unknown;
}

/** Keeps rejected events. Recording the same job twice adds nothing. */
export interface RejectionLog {
  readonly record: (
    job: { readonly queue: string; readonly jobId: string },
    rejected: readonly RejectedEvent[],
  ) => Promise<void>;
}
