import { hash, randomBytes } from 'node:crypto';
import { test } from 'vitest';
import { batchTree } from '../src/adapters/postgres/batch-root.ts';
import { encodeEntries } from '../src/adapters/postgres/copy-entries.ts';
test('m', () => {
  const N = 5000;
  const ids = Array.from({ length: 10000 }, () => randomBytes(8).readBigUInt64BE() >> 1n);
  const pick: Record<string, () => number> = { hot: () => 0, uniform: () => Math.floor(Math.random() * 10000) };
  for (const [name, p] of Object.entries(pick)) {
    const mk = () => { const wallets = ids.map((walletId) => ({ walletId })); return Array.from({ length: N }, (_, i) => ({ key: { timeMs: 1.7e12 + i, h0: (Math.random()*2**32)>>>0, h1: (Math.random()*2**32)>>>0, h2: i }, wallet: wallets[p()]!, seq: BigInt(i), amount: -5n, balanceAfter: 7n, contentHash: 9n, kind: 1 as const })); };
    const sets = Array.from({ length: 8 }, () => { const e = mk(); return { e, b: encodeEntries(e, 1, 0) }; });
    for (const [what, f] of Object.entries({ today: (s: (typeof sets)[0]) => hash('sha256', s.b, 'buffer'), encode: (s: (typeof sets)[0]) => encodeEntries(s.e, 1, 0), tree: (s: (typeof sets)[0]) => batchTree(s.e, s.b) })) {
      for (let i = 0; i < 30; i++) f(sets[i % 8]!);
      const t: number[] = []; for (let i = 0; i < 120; i++) { const a = performance.now(); f(sets[i % 8]!); t.push(performance.now() - a); }
      t.sort((a, b) => a - b); console.log(name, what, t[60]!.toFixed(2), 'ms');
    }
  }
});
