import { runSeed } from './run.ts';
import { openMemoryEngine } from './memory/engine.ts';
const all = new Map<string, number>();
const seed0 = Number(process.argv[2] ?? 1), n = Number(process.argv[3] ?? 10), steps = Number(process.argv[4] ?? 2000);
for (let seed = seed0; seed < seed0 + n; seed++) {
  const t = performance.now();
  const r = await runSeed(seed, steps, openMemoryEngine());
  process.stdout.write(`${seed} ${r.trace} ${r.steps} ${Math.round(r.steps / (performance.now() - t) * 1000)}/s ${r.failure ? r.failure.property + ' @' + r.failure.step + ': ' + r.failure.detail : 'ok'}\n`);
  if (r.failure && n === 1) process.stdout.write(r.failure.last.join('\n') + '\n');
  for (const [k, v] of [...r.seen, ...r.faults]) all.set(k, (all.get(k) ?? 0) + v);
  if (n === 1) console.log(r.operations, r.faults, r.exercised);
}
console.log(all);
