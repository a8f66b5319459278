import type { z } from 'zod';
import type { TailPrior } from '../calibration/calibration.ts';
import type { CompileContext } from '../detectors/detector.ts';
import type { EventDetails } from '../features/event-details.ts';

/** What the fleet is told of one event: a small row, whatever the event holds. */
export interface FleetRow {
  readonly account: string;
  readonly meter: string;
  readonly ingestedAtMs: number;
  readonly details: EventDetails;
  /** The source is as good as new to an account that is not new itself. */
  readonly isForeignSource: boolean;
}

/** Tells what links an account to others: raw evidence in decades. */
export type TellFleet = (account: string, raw: number) => void;

/** A rule across accounts at work. State is bounded; the same rows in the same order tell the same. */
export interface FleetRun {
  see(row: FleetRow, tell: TellFleet): void;
}

/** A fleet rule with its parameters. */
export interface CompiledFleet {
  readonly kind: string;
  readonly prior: TailPrior;
  readonly windowMs: number;
  /** The meter whose events it is shown. */
  readonly meter: string;
  readonly open: () => FleetRun;
  /** Whether a row can change anything; all can when left out. */
  readonly wants?: (row: FleetRow) => boolean;
}

/** A kind of detection that looks across accounts. One file each; see `detectors/index.ts` for the registry. */
export interface FleetDetector {
  readonly kind: string;
  readonly shape: z.ZodObject;
  readonly compile: (raw: unknown, context: CompileContext) => CompiledFleet | undefined;
}

interface FleetDefinition<Shape extends z.ZodObject> {
  readonly kind: string;
  readonly shape: Shape;
  readonly compile: (params: z.infer<Shape>, context: CompileContext) => Omit<CompiledFleet, 'kind'> | undefined;
}

/** Declares a fleet detector. Parameters reach it with the types of its own shape. */
export function defineFleetDetector<Shape extends z.ZodObject>(definition: FleetDefinition<Shape>): FleetDetector {
  const { kind, shape } = definition;
  return {
    kind,
    shape,
    compile(raw, context) {
      const compiled = definition.compile(definition.shape.parse(raw), context);
      return compiled === undefined ? undefined : { kind, ...compiled };
    },
  };
}
