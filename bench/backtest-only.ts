import { benchBacktest } from './backtest.ts';
import { printRows } from './rows.ts';

process.stdout.write(printRows(await benchBacktest((line) => process.stderr.write(`${line}\n`))));
