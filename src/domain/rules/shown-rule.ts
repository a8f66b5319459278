import type { CompiledStream } from '../detectors/stream-detector.ts';
import type { EventDetails } from '../features/event-details.ts';
import type { CompiledFleet } from '../fleet/fleet-rule.ts';

/** What a rule that does not look at sums of buckets runs instead. */
export type ShownRule =
  | {
      readonly kind: 'stream';
      readonly stream: CompiledStream;
      /** Fires from this rarity, in decades. */
      readonly rarity: number;
      /** Place among the stream rules of the feature spec; −1 before it has one. */
      readonly index: number;
    }
  | { readonly kind: 'fleet'; readonly fleet: CompiledFleet; readonly rarity: number };

/** Events of a test, one like the other, at even distances. */
export interface EventStep {
  readonly times: number;
  readonly everyMs: number;
  readonly afterMs: number;
  readonly accounts: number;
  readonly meter: string;
  readonly quantity: number;
  /** Arrival less the event's own time; negative when its clock runs ahead. */
  readonly lateMs: number;
  readonly disposition: 'posted' | 'altered' | 'duplicate';
  /** What the wallet holds before the first of them; as the step before left it, or unknown, when left out. */
  readonly balanceNanos?: number;
  readonly sequence: 'none' | 'next' | 'skip';
  readonly details: EventDetails;
  /** Which of the details have a new value with every event. */
  readonly fresh: readonly FreshDetail[];
}

export type FreshDetail = 'source' | 'region' | 'key' | 'feature' | 'device' | 'card' | 'emailDomain';
