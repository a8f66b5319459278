import { z } from 'zod';
import type { TailPrior } from '../calibration/calibration.ts';
import type { EventDetails } from '../features/event-details.ts';
import type { Profile } from '../features/profile.ts';
import type { CompileContext } from './detector.ts';

/** Raw values up to this are noise: they open nothing and keep nothing from being learned, so any of them may be told as 0. */
export const NOISE_MAX = 0.3;

/** One event as stream detectors see it. */
export interface StreamEvent {
  readonly meter: string;
  /** A fact (auth, topup, …), not usage. */
  readonly isFact: boolean;
  readonly quantity: number;
  /** What it costs, in nano-units; a double, never used as money. */
  readonly spendNanos: number;
  /** The wallet's balance after it; undefined where it is not known. */
  readonly balanceNanos: number | undefined;
  /** The event's own time, believed or not. */
  readonly claimedAtMs: number;
  readonly ingestedAtMs: number;
  readonly disposition: 'posted' | 'quarantined' | 'altered' | 'duplicate';
  readonly details: EventDetails;
}

/** The numbers behind a score: what was seen, what an honest account shows, and the conditions that make it up. */
export interface StreamEvidence {
  readonly observed: number;
  readonly expected: number;
  readonly parts: { readonly [name: string]: number };
}

/**
 * A detector at work on one account. It is shown every event: first `score`, which judges the event against what was
 * known before, then `learn`. State is bounded and plain data; the same events give the same state.
 */
export interface StreamRun {
  /**
   * Raw evidence in decades, 0 for none. May count suspicious things (its evidence), never moves its baseline.
   */
  score(event: StreamEvent, profile: Profile): number;
  /**
   * Adds usage of one hour or day (its number since the epoch, by arrival) that was not shown one by one. Needed with
   * `totals`. Comes before `score`.
   */
  addUsage?(period: number, events: number, spendNanos: number): void;
  /** Moves the baseline. `flagged` events are no part of what is normal. Left out where nothing is learned. */
  learn?(event: StreamEvent, profile: Profile, flagged: boolean): void;
  evidence(profile: Profile): StreamEvidence;
  /** Why nothing can be said yet; undefined once it can. */
  missing(profile: Profile): string | undefined;
  /** Starts counting anew after an incident: what is left of it must not alert again while it decays. */
  restart(): void;
  /** Forgets what is normal: the account declared a change of plan. */
  relearn(): void;
  /** Plain bounded data that `open` takes back. */
  save(): unknown;
}

/** A stream detector with one rule's parameters. */
export interface CompiledStream {
  readonly kind: string;
  readonly prior: TailPrior;
  /** How long a score counts as recent: an incident ends when nothing rose for this long. */
  readonly windowMs: number;
  /** The only meters it looks at; every event is shown to it when left out. */
  readonly meters?: ReadonlySet<string>;
  /**
   * What about an event can matter to it (bits of `features/wakes.ts`): every event without one of them scores nothing
   * and teaches nothing. Every event is shown to it when left out.
   */
  readonly wakes?: number;
  /**
   * Usage is not shown to it one by one but added up (`addUsage`) until the hour or day is over; the event that opens
   * another is then shown to it, and the one after the first of a day.
   */
  readonly totals?: 'hour' | 'day';
  /** Tells equal parameters: two streams of one kind with the same key keep the same state. */
  readonly key: string;
  /** A run with saved state; without, or when the state is another version's, a fresh one. */
  readonly open: (saved: unknown) => StreamRun;
}

/** A kind of detection that is shown every event. One file each; see `index.ts` for the registry. */
export interface StreamDetector {
  readonly kind: string;
  readonly shape: z.ZodObject;
  readonly compile: (raw: unknown, context: CompileContext) => CompiledStream | undefined;
}

interface StreamDefinition<Shape extends z.ZodObject, State extends z.ZodType> {
  readonly kind: string;
  readonly shape: Shape;
  readonly state: State;
  readonly compile: (
    params: z.infer<Shape>,
    context: CompileContext,
  ) =>
    | {
        readonly prior: TailPrior;
        readonly windowMs: number;
        readonly meters?: ReadonlySet<string>;
        readonly wakes?: number;
        readonly totals?: 'hour' | 'day';
        readonly open: (saved: z.infer<State> | undefined) => StreamRun;
      }
    | undefined;
}

/** Declares a stream detector. Parameters and saved state reach it with the types of its own shapes. */
export function defineStreamDetector<Shape extends z.ZodObject, State extends z.ZodType>(
  definition: StreamDefinition<Shape, State>,
): StreamDetector {
  const { kind, shape, state } = definition;
  return {
    kind,
    shape,
    compile(raw, context) {
      const params = definition.shape.parse(raw);
      const compiled = definition.compile(params, context);
      if (compiled === undefined) return undefined;
      return {
        kind,
        ...compiled,
        // From which value it fires changes nothing about what it keeps.
        key: JSON.stringify({ ...params, rarity: undefined }),
        open(saved) {
          // Opened once an account: refusing nothing by its shape costs more than all the rest of it.
          if (saved === undefined) return compiled.open(undefined);
          const checked = state.safeParse(saved);
          return compiled.open(checked.success ? checked.data : undefined);
        },
      };
    },
  };
}

/** The parameter every stream rule has. */
export const rarityParam = z
  .number()
  .min(1)
  .max(12)
  .default(3.5)
  .describe('Fires at evidence this rare: 3 is once in 1,000 account-days of honest accounts, 4 once in 10,000.');
