import { MISTAKES } from './mistakes.ts';
import { playMistake } from './play-mistake.ts';

/** Seeds that every mistake is given to be noticed in. */
const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const STEPS = 4_000;

const names = process.argv.slice(2);
const chosen = names.length === 0 ? MISTAKES : MISTAKES.filter(({ name }) => names.some((part) => name.includes(part)));
let missed = 0;
for (const mistake of chosen) {
  const { found } = await playMistake({ mistake, seeds: SEEDS, steps: STEPS });
  const isNamed = found?.property === mistake.property || found?.also.includes(mistake.property) === true;
  if (!isNamed) missed++;
  const also = found === undefined || found.also.length === 0 ? '' : ` (also ${found.also.join(', ')})`;
  const where = found === undefined ? 'NOT FOUND' : `seed ${found.seed}, step ${found.step}: ${found.property}${also}`;
  const instead = found === undefined || isNamed ? '' : ` INSTEAD OF ${mistake.property}`;
  process.stdout.write(`${mistake.name}: ${where}${instead}\n`);
}
process.stdout.write(`${chosen.length - missed} of ${chosen.length} mistakes were noticed\n`);
process.exitCode = missed === 0 && chosen.length > 0 ? 0 : 1;
