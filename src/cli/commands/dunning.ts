import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { registerDunningEpisodes } from './dunning-episodes.ts';
import { registerDunningSimulate } from './dunning-simulate.ts';

/** `dunning …` */
export function registerDunning(program: Command, context: CliContext): void {
  const dunning = program.command('dunning').description('top-ups that failed: when they are tried again');
  registerDunningEpisodes(dunning, context);
  registerDunningSimulate(dunning, context);
}
