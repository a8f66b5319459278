import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { registerDunningSimulate } from './dunning-simulate.ts';

/** `dunning …` */
export function registerDunning(program: Command, context: CliContext): void {
  const dunning = program.command('dunning').description('top-ups that failed: when they are tried again');
  registerDunningSimulate(dunning, context);
}
