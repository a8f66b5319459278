import { FAST_PARAMETERS, fastRarities, jitter, SLOW_PARAMETERS, slowRarities } from './detectors.ts';
import { madeUpCurves } from './made-up-curves.ts';
import { nabScore } from './nab-score.ts';
import { type Curve, readAiops, readNab } from './read-curves.ts';
import { bestF1, DELAY_ROWS, type SegmentF1, type SegmentScores, segmentF1, segmentScores } from './segment-score.ts';

const USAGE = `Usage: npm run trial -- aiops FOLDER [--jitter]
       npm run trial -- nab FOLDER|made-up [--jitter]
`;

function main(): number {
  const words = process.argv.slice(2);
  const [set, folder] = words.filter((word) => !word.startsWith('--'));
  const isJittered = words.includes('--jitter');
  if (folder === undefined || (set !== 'aiops' && set !== 'nab')) {
    process.stderr.write(USAGE);
    return 2;
  }
  if (set === 'aiops') aiops(readAiops(folder), isJittered);
  else nab(folder === 'made-up' ? madeUpCurves() : readNab(folder), isJittered);
  return 0;
}

/** The fast channel: segment F1, with a threshold from one half of the curves used on the other. */
function aiops(curves: readonly Curve[], isJittered: boolean): void {
  const scored = curves.map((curve) => segmentScores(fastRarities(curve), curve));
  const [even, odd] = [0, 1].map((rest) => scored.filter((_, index) => index % 2 === rest));
  print(`${curves.length} curves, segments found within ${DELAY_ROWS} rows of their first, fast channel`);
  tell('all curves, best threshold', bestF1(scored));
  // A curve that begins broken cannot be found broken: nothing is known yet.
  tell('without segments in the first 20 rows', bestF1(scored.map(withoutStart)));
  for (const [name, from, to] of [
    ['threshold of the even curves, F1 of the odd', even, odd],
    ['threshold of the odd curves, F1 of the even', odd, even],
  ] as const) {
    if (from !== undefined && to !== undefined && to.length > 0) {
      tell(name, segmentF1(to.map(withoutStart), bestF1(from.map(withoutStart)).threshold));
    }
  }
  calibration(scored.map(({ ordinary }) => ordinary));
  if (!isJittered) return;
  const f1 = (all: readonly SegmentScores[]) => bestF1(all.map(withoutStart)).f1;
  for (const { name, factor, parameters } of jitter(FAST_PARAMETERS)) {
    const score = f1(curves.map((curve) => segmentScores(fastRarities(curve, parameters), curve)));
    print(`  ${name.padEnd(36)} × ${factor}  ${score.toFixed(3)}`);
  }
}

const START_ROWS = 20;

function withoutStart({ ordinary, segments }: SegmentScores): SegmentScores {
  return { ordinary, segments: segments.filter(({ from }) => from >= START_ROWS) };
}

/** The slow channel: the score of the Numenta Anomaly Benchmark, standard profile. */
function nab(curves: readonly Curve[], isJittered: boolean): void {
  const rarities = curves.map((curve) => slowRarities(curve));
  const { score, threshold } = nabScore(curves, rarities);
  print(`${curves.length} curves, slow channel: ${score.toFixed(1)} from rarity ${threshold.toFixed(2)}`);
  calibration(curves.map((curve, index) => ordinaryOf(curve, rarities[index] ?? new Float64Array(0))));
  if (!isJittered) return;
  for (const { name, factor, parameters } of jitter(SLOW_PARAMETERS)) {
    const jittered = nabScore(
      curves,
      curves.map((curve) => slowRarities(curve, parameters)),
    );
    print(`  ${name.padEnd(36)} × ${factor}  ${jittered.score.toFixed(1)}`);
  }
}

function ordinaryOf({ windows }: Curve, rarities: Float64Array): Float64Array {
  return rarities.filter((_, row) => !windows.some(({ from, to }) => row >= from && row <= to)).sort();
}

/** What is called one row in 10, 100, … should be that. */
function calibration(ordinary: readonly Float64Array[]): void {
  const all = Float64Array.from(ordinary.flatMap((one) => [...one])).sort();
  const told = [1, 2, 3, 4, 5].map((rarity) => {
    const at = all[Math.floor(all.length * (1 - 10 ** -rarity))] ?? 0;
    return `1 in 1e${rarity}: ${at.toFixed(2)}`;
  });
  print(`rarity that ordinary rows reach, ${all.length} of them: ${told.join(', ')}`);
}

function tell(name: string, { f1, precision, recall, threshold }: SegmentF1): void {
  const figures = [f1, precision, recall].map((value) => value.toFixed(3));
  print(
    `${name.padEnd(46)} F1 ${figures[0]}  precision ${figures[1]}  recall ${figures[2]}  (rarity ${threshold.toFixed(2)})`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = main();
