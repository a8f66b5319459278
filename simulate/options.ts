/** What `npm run simulate` was asked for. */
export interface Options {
  readonly seed: number;
  readonly seeds: number;
  readonly steps: number;
  readonly engine: 'memory' | 'postgres';
  readonly json: boolean;
  readonly shrink: boolean;
}

export const USAGE = `Plays a ledger with everything that can go wrong, and compares it with a simple model.

  npm run simulate -- --seed N [--seeds K] [--steps M] [--engine memory|postgres] [--until STEP] [--shrink] [--json]

  --seed N       the first seed, 0 to 2^53 (default 1)
  --seeds K      how many seeds from there on (default 40; 6 on postgres)
  --steps M      steps per seed (default 4000; 1000 on postgres)
  --until STEP   plays no further than this step of the seed
  --engine       memory (default), or postgres: a real server, thrown away afterwards
  --shrink       looks for fewer steps that fail as well
  --json         one JSON object instead of lines

Examples:
  npm run simulate -- --seed 42
  npm run simulate -- --seed 1039 --seeds 1 --until 1832
  npm run simulate -- --seed 7 --engine postgres --json

Exit codes: 0 every property held, 1 one did not, 2 the command line is wrong.
`;

/** A mistake on the command line. */
export class UsageError extends Error {}

/** Reads the command line; undefined when help was asked for. */
export function parseOptions(words: readonly string[]): Options | undefined {
  if (words.includes('--help') || words.includes('-h')) return undefined;
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (let index = 0; index < words.length; index++) {
    const [name = '', inline] = (words[index] ?? '').split('=', 2);
    if (name === '--json' || name === '--shrink') flags.add(name);
    else if (['--seed', '--seeds', '--steps', '--until', '--engine'].includes(name)) {
      const value = inline ?? words[++index];
      if (value === undefined) throw new UsageError(`${name} needs a value.`);
      values.set(name, value);
    } else throw new UsageError(`There is no option ${name}.`);
  }
  const engine = values.get('--engine') ?? 'memory';
  if (engine !== 'memory' && engine !== 'postgres')
    throw new UsageError(`--engine takes memory or postgres, not ${engine}.`);
  const isMemory = engine === 'memory';
  const until = values.get('--until');
  const steps = whole(values, '--steps', isMemory ? 4_000 : 1_000, 1, 10_000_000);
  return {
    seed: whole(values, '--seed', 1, 0, Number.MAX_SAFE_INTEGER + 1),
    seeds: whole(values, '--seeds', until !== undefined ? 1 : isMemory ? 40 : 6, 1, 1_000_000),
    steps: until === undefined ? steps : whole(values, '--until', steps, 1, 10_000_000),
    engine,
    json: flags.has('--json'),
    shrink: flags.has('--shrink'),
  };
}

function whole(values: ReadonlyMap<string, string>, name: string, otherwise: number, min: number, max: number): number {
  const text = values.get(name);
  if (text === undefined) return otherwise;
  // Compared before it is rounded: 2^53 + 1 would pass for 2^53.
  const value = /^\d{1,16}$/.test(text) ? BigInt(text) : -1n;
  if (value < BigInt(min) || value > BigInt(max))
    throw new UsageError(`${name} takes a whole number from ${min} to ${max}, not ${text}.`);
  return Number(value);
}
