import type { z } from 'zod';
import type { FeatureUnit } from '../features/feature-unit.ts';
import type { History } from '../features/history.ts';
import type { RuleErrorCode } from '../rules/load-error-codes.ts';

/** Where a value stands inside `detect:`. */
export type ParamPath = readonly (string | number)[];

/** What a detector may ask while a rule is compiled. Problems are collected, so all of them are shown at once. */
export interface CompileContext {
  /** Unit of the feature the rule looks at. */
  readonly unit: FeatureUnit;
  readonly report: (path: ParamPath, code: RuleErrorCode, message: string, fix: string) => void;
  readonly warn: (path: ParamPath, code: RuleErrorCode, message: string, fix: string) => void;
  /** Milliseconds of `6h`; undefined, and reported, when it is not a duration. */
  readonly duration: (path: ParamPath, text: string) => number | undefined;
  /** `15%` as 0.15. */
  readonly percent: (path: ParamPath, text: string) => number | undefined;
  /** `20.00 USD` in nano-units for money, a plain number for counts. */
  readonly amount: (path: ParamPath, value: string | number) => number | undefined;
}

/** What a detector concludes from an account's history, before it looks at the window in question. */
export interface Usual {
  /** The rule fires at this observed value and above; Infinity when no value would do. */
  readonly cutoff: number;
  /** Why there is too little history. Below the cut-off such a judgement is inconclusive, never "no hit". */
  readonly missing: string | undefined;
  readonly expected: number;
  /** The range most of the learned windows lie in. */
  readonly lower: number;
  readonly upper: number;
  /** How many windows were learned. */
  readonly points: number;
  /** Distance of an observed value from the usual in spreads; undefined where that has no meaning. */
  readonly zOf: (observed: number) => number | undefined;
}

/** A detector with one rule's parameters: the trailing window to sum, and what is usual for it. */
export interface CompiledDetector {
  /** Which buckets the judged window is made of. */
  readonly bucket: 'hour' | 'five_minutes';
  readonly windowBuckets: number;
  readonly windowMs: number;
  /**
   * History ends this many hours before the current one. Never less than the judged window, which therefore is never
   * part of its own baseline: score first, learn after.
   */
  readonly gapHours: number;
  /** How many hours of history are read. */
  readonly historyHours: number;
  /** Below this no history can make the rule fire: spares most accounts the work of computing a baseline. */
  readonly observedMin: number;
  /**
   * A cheap lower bound of the cut-off `usual` would give. Most windows stay below it, and medians of hundreds of
   * logarithms are then never computed. It must not fall when the history grows at either end.
   */
  readonly cutoffMin: (history: History) => number;
  readonly usual: (history: History) => Usual;
}

/** A kind of detection. One file each; see `index.ts` for the registry. */
export interface Detector {
  readonly kind: string;
  /** Shape of the keys under `detect:`, with `kind` and `of`. */
  readonly shape: z.ZodObject;
  readonly compile: (raw: unknown, context: CompileContext) => CompiledDetector | undefined;
}

interface DetectorDefinition<Shape extends z.ZodObject> {
  readonly kind: string;
  readonly shape: Shape;
  /** Turns checked parameters into a detector; undefined after reporting what makes that impossible. */
  readonly compile: (params: z.infer<Shape>, context: CompileContext) => CompiledDetector | undefined;
}

/** Declares a detector. The parameters reach `compile` with the type of its own shape. */
export function defineDetector<Shape extends z.ZodObject>(definition: DetectorDefinition<Shape>): Detector {
  return {
    kind: definition.kind,
    shape: definition.shape,
    compile: (raw, context) => definition.compile(definition.shape.parse(raw), context),
  };
}
