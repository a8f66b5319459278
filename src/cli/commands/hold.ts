import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { registerHoldCapture, registerHoldExtend, registerHoldPlace, registerHoldRelease } from './hold-change.ts';
import { registerHoldList, registerHoldShow } from './hold-list.ts';

/** `hold …`: money reserved for calls whose cost is known afterwards. */
export function registerHold(program: Command, context: CliContext): void {
  const hold = program.command('hold').description('money reserved for a call: place, extend, capture, release');
  for (const register of [
    registerHoldPlace,
    registerHoldExtend,
    registerHoldCapture,
    registerHoldRelease,
    registerHoldList,
    registerHoldShow,
  ]) {
    register(hold, context);
  }
}
