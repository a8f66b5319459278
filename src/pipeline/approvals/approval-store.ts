import { z } from 'zod';
import type { Approval, Decided } from '../../domain/approvals/approval.ts';

const usage = z.enum(['keep', 'post', 'void']);

/** What waits for approval, as it is kept. */
export const operationSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('freeze'), hours: z.number().int().positive(), reason: z.string() }),
  z.object({
    do: z.literal('thaw'),
    usage,
    reason: z.string().nullable(),
    only: z
      .object({
        filter: z.object({
          meter: z.string().exactOptional(),
          source: z.string().exactOptional(),
          fromMs: z.number().exactOptional(),
          toMs: z.number().exactOptional(),
        }),
        rest: usage,
      })
      .exactOptional(),
  }),
]);
export type HeldOperation = z.infer<typeof operationSchema>;

/** A freeze or thaw that a second person is to look at. */
export interface HeldChange extends Approval {
  readonly approvalId: string;
  readonly tenant: string;
  readonly account: string;
  /** `wal_…` */
  readonly wallet: string;
  readonly currency: string;
  readonly operation: HeldOperation;
  readonly operationHash: string;
  /** The idempotency key it was asked under, and is carried out under. */
  readonly key: string;
  /** Nano-units, when it was asked. */
  readonly atStake: bigint;
  readonly askedAtMs: number;
  readonly decidedAtMs: number | null;
}

/** Changes that wait for a second person. */
export interface ApprovalStore {
  /** Keeps what was asked, once; returns it as it stands now. */
  readonly ask: (change: HeldChange) => Promise<HeldChange>;
  readonly list: (query: {
    readonly tenant: string;
    readonly state?: Approval['state'];
    readonly limit: number;
  }) => Promise<readonly HeldChange[]>;
  readonly read: (tenant: string, approvalId: string) => Promise<HeldChange | undefined>;
  /** Approves or refuses, one decision at a time; undefined when there is no such request. */
  readonly decide: (decision: {
    readonly tenant: string;
    readonly approvalId: string;
    readonly actor: string;
    readonly as: 'approved' | 'refused';
    readonly nowMs: number;
  }) => Promise<Decided | undefined>;
  /** Marks an approved change as carried out. */
  readonly finish: (tenant: string, approvalId: string) => Promise<void>;
}
