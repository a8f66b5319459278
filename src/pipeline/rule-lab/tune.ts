import type { RuleLoadError, Ruleset } from '../../domain/rules/ruleset.ts';
import { loadRuleset, type RuleFile } from '../../domain/rules/ruleset.ts';
import { DAY_MS } from '../../domain/time.ts';
import { type BriefAlert, Collector } from '../backtest/collector.ts';
import type { History } from '../backtest/history-event.ts';
import { Replay } from '../backtest/replay.ts';
import { type HistoryTally, runBacktest } from '../backtest/run-backtest.ts';
import { replaceScalar, scalarsUnder, type YamlScalar } from './edit-yaml.ts';

/** Keys under `detect` that say how unusual is unusual; the first one that a rule has is tuned. */
const TUNABLE = ['threshold', 'rarity', 'times', 'limit'];

/** Multiples of the present value that are tried, in one pass over the history. */
const MULTIPLES = [0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 2, 3];

/** What a rule would do with one value in the place of its own. */
export interface TunePoint {
  readonly written: string;
  readonly incidents: number;
  readonly accounts: number;
  readonly per1000AccountDays: number;
  /** It is the rule as it stands. */
  readonly isPresent: boolean;
}

export interface TuneVariant {
  readonly written: string;
  readonly isPresent: boolean;
  readonly ruleset: Ruleset;
}

/** The number of a rule that is tuned, and its variants; or why there are none. */
export type TunePlan =
  | {
      readonly ok: true;
      readonly file: RuleFile;
      readonly scalar: YamlScalar;
      readonly variants: readonly TuneVariant[];
    }
  | { readonly ok: false; readonly reason: string; readonly errors: readonly RuleLoadError[] };

/** Loads the rule alone, once for every value; values that do not load are left out. */
export function planTune(files: readonly RuleFile[], ruleId: string): TunePlan {
  const file = files.find(({ path }) => path.split('/').at(-1) === `${ruleId}.yaml`);
  if (file === undefined) return { ok: false, reason: `There is no rule ${ruleId}.`, errors: [] };
  const scalars = scalarsUnder(file.text, 'detect').filter(
    ({ value, place }) => typeof value === 'number' && place.length === 2,
  );
  const scalar = TUNABLE.flatMap((key) => scalars.filter(({ place }) => place[1] === key))[0];
  if (scalar === undefined)
    return { ok: false, reason: `${ruleId} has no number to tune (${TUNABLE.join(', ')}).`, errors: [] };
  const settings = files.filter(({ path }) => /\/(?:ruleset|pricing|planned)\.yaml$|\/lists\//.test(path));
  const variants: TuneVariant[] = [];
  let errors: readonly RuleLoadError[] = [];
  for (const multiple of MULTIPLES) {
    const isPresent = multiple === 1;
    const written = isPresent ? scalar.text : String(Number((Number(scalar.value) * multiple).toPrecision(3)));
    const text = replaceScalar(file.text, scalar, written);
    const result = loadRuleset([...settings, { path: file.path, text }], { runTests: false });
    if (result.ok) variants.push({ written, isPresent, ruleset: speakingAlone(result.ruleset) });
    else errors = result.errors;
  }
  if (variants.length === 0) return { ok: false, reason: `${ruleId} does not load.`, errors };
  return { ok: true, file, scalar, variants };
}

/** Plays the history to every variant at once and counts their incidents: alerts of one account within a day. */
export async function tune(
  history: History,
  variants: readonly TuneVariant[],
  progress: (events: number) => void,
): Promise<{ readonly tally: HistoryTally; readonly accountDays: number; readonly points: readonly TunePoint[] }> {
  const collectors = variants.map(({ ruleset }) => new Collector({ ruleset, ledger: undefined, withSightings: false }));
  const replays = variants.map(({ ruleset }, index) => new Replay(ruleset, collectors[index]?.listener() ?? {}));
  const tally = await runBacktest(history, replays, { progress });
  const days = Math.max(1, (tally.toMs - tally.fromMs) / DAY_MS);
  const accountDays = days * (replays[0]?.accounts.size ?? 0);
  const points = variants.map(({ written, isPresent }, index) => {
    const incidents = incidentsOf(collectors[index]?.alerts ?? []);
    const per1000AccountDays = accountDays === 0 ? 0 : (incidents.length * 1000) / accountDays;
    const accounts = new Set(incidents.map(({ account }) => account)).size;
    return { written, isPresent, incidents: incidents.length, accounts, per1000AccountDays };
  });
  return { tally, accountDays, points };
}

/** The most sensitive value within the budget; undefined when even the strictest is above it. */
export function chooseWithin(points: readonly TunePoint[], budget: number): TunePoint | undefined {
  const within = points.filter(({ per1000AccountDays }) => per1000AccountDays <= budget);
  return within.reduce<TunePoint | undefined>((best, point) => {
    return best === undefined || Number(point.written) < Number(best.written) ? point : best;
  }, undefined);
}

// Live whatever its mode, and loud enough to be heard without the others; nothing is frozen, which would hide what follows.
function speakingAlone(ruleset: Ruleset): Ruleset {
  const judgedRules = ruleset.judgedRules.map((rule) => ({ ...rule, mode: 'live' as const, score: 50 }));
  const bands = [
    { from: 0, to: 49, outcome: 'allow' as const, actions: [] },
    { from: 50, to: 100, outcome: 'review' as const, actions: [] },
  ];
  return { ...ruleset, judgedRules, bands };
}

function incidentsOf(alerts: readonly BriefAlert[]): BriefAlert[] {
  const openedMs = new Map<string, number>();
  return alerts.filter(({ account, atMs }) => {
    if (atMs - (openedMs.get(account) ?? Number.NEGATIVE_INFINITY) < DAY_MS) return false;
    openedMs.set(account, atMs);
    return true;
  });
}
