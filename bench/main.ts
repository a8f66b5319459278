import { benchBacktest, benchDiff } from './backtest.ts';
import { benchHttp } from './http.ts';
import { benchLedger } from './ledger.ts';
import { benchNotify } from './notify.ts';
import { benchPipeline } from './pipeline.ts';
import { benchReconcile } from './reconcile.ts';
import { type BenchRow, printRows } from './rows.ts';
import { benchRules } from './rules.ts';
import { benchSeries } from './series.ts';

/** Every suite, by the name given on the command line. */
const SUITES: Readonly<Record<string, (log: (line: string) => void) => Promise<BenchRow[]>>> = {
  http: benchHttp,
  ledger: benchLedger,
  notify: benchNotify,
  pipeline: benchPipeline,
  reconcile: benchReconcile,
  rules: async (log) => [...(await benchRules(log)), ...(await benchBacktest(log)), ...(await benchSeries(log))],
  'rules-diff': benchDiff,
  series: benchSeries,
};

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const asJson = words.includes('--json');
  const name = words.find((word) => !word.startsWith('--'));
  const suite = name === undefined ? undefined : SUITES[name];
  if (suite === undefined) {
    process.stderr.write(`Usage: npm run bench -- ${Object.keys(SUITES).join('|')} [--json]\n`);
    return 2;
  }
  const rows = await suite((line) => process.stderr.write(`${line}\n`));
  process.stdout.write(asJson ? `${JSON.stringify({ rows })}\n` : printRows(rows));
  return 0;
}

process.exitCode = await main();
