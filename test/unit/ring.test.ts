import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRing, type Ring, ringAdd, ringAt, ringCopy, ringOf, ringSum } from '../../src/domain/features/ring.ts';

const BUCKETS_MAX = 100;
const START = 490_000;

/** What a ring should hold: sums of the newest buckets, in the order in which they were added. */
class Model {
  readonly sums = new Map<number, number>();
  head = START;
  tail = START;

  add(bucket: number, amount: number): void {
    if (bucket > this.head) {
      this.tail = bucket - this.head >= BUCKETS_MAX ? bucket : Math.max(this.tail, bucket - BUCKETS_MAX + 1);
      this.head = bucket;
    } else if (this.head - bucket >= BUCKETS_MAX) return;
    else this.tail = Math.min(this.tail, bucket);
    for (const old of this.sums.keys()) if (old < this.tail) this.sums.delete(old);
    this.sums.set(bucket, (this.sums.get(bucket) ?? 0) + amount);
  }

  at(bucket: number): number {
    return this.sums.get(bucket) ?? 0;
  }
}

const amount = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  fc.constantFrom(255, 256, 65_535, 65_536, 2 ** 48 - 1, 2 ** 48, 2 ** 53 - 1, 2 ** 53, 2 ** 70),
  fc.double({ min: 0.000001, max: 1e12, noNaN: true }),
);
const step = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -40, max: 6 }) },
  { weight: 1, arbitrary: fc.integer({ min: -300, max: 300 }) },
);
const additions = fc.array(fc.record({ step, amount }), { maxLength: 300 });

/** Every bucket the ring may hold, and some on either side. */
function readAll(ring: Ring): number[] {
  const sums: number[] = [];
  for (let bucket = ring.head - BUCKETS_MAX - 5; bucket <= ring.head + 5; bucket++) sums.push(ringAt(ring, bucket));
  return sums;
}

/** The ring as it is after a checkpoint was stored and loaded. */
function reloaded(ring: Ring): Ring {
  const sums: number[] = [];
  for (let bucket = ring.tail; bucket <= ring.head; bucket++) sums.push(ringAt(ring, bucket));
  return ringOf(ring.tail, sums);
}

describe('a ring', () => {
  it('holds the exact sums of its newest buckets, whatever is added in whatever order', () => {
    fc.assert(
      fc.property(additions, (list) => {
        const ring = createRing(START);
        const model = new Model();
        for (const { step, amount } of list) {
          const bucket = ring.head + step;
          ringAdd(ring, bucket, amount, BUCKETS_MAX);
          model.add(bucket, amount);
          expect([ring.head, ring.tail]).toEqual([model.head, model.tail]);
        }
        const first = ring.head - BUCKETS_MAX - 5;
        const expected = readAll(ring).map((_, index) => model.at(first + index));
        expect(readAll(ring)).toEqual(expected);
        const copied = new Array<number>(expected.length).fill(0);
        ringCopy(ring, first, copied);
        expect(copied).toEqual(expected);
        let sum = 0;
        for (const value of expected) sum += value;
        expect(ringSum(ring, ring.head, BUCKETS_MAX)).toBe(sum);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('is the same to the bit when it was stored and loaded at any moment', () => {
    fc.assert(
      fc.property(additions, fc.nat(), (list, at) => {
        const stayed = createRing(START);
        let loaded = createRing(START);
        for (const [index, { step, amount }] of list.entries()) {
          if (index === at % list.length) loaded = reloaded(loaded);
          const bucket = stayed.head + step;
          ringAdd(stayed, bucket, amount, BUCKETS_MAX);
          ringAdd(loaded, bucket, amount, BUCKETS_MAX);
        }
        expect([loaded.head, loaded.tail]).toEqual([stayed.head, stayed.tail]);
        expect(readAll(loaded)).toEqual(readAll(stayed));
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it('follows a look-back that becomes longer or shorter with new rules', () => {
    const ring = createRing(START);
    for (let hour = 0; hour < 200; hour++) ringAdd(ring, START + hour, hour + 1, 120);
    expect(ring.tail).toBe(START + 80);
    for (let hour = 200; hour < 300; hour++) ringAdd(ring, START + hour, hour + 1, 180);
    expect(ring.tail).toBe(START + 120);
    ringAdd(ring, START + 300, 301, 40);
    expect(ring.tail).toBe(START + 261);
    for (let hour = 0; hour <= 310; hour++) {
      expect(ringAt(ring, START + hour)).toBe(hour >= 261 && hour <= 300 ? hour + 1 : 0);
    }
  });

  it('takes four bytes an hour for four weeks of a customer who spends a dollar an hour', () => {
    const ring = createRing(START);
    for (let hour = 0; hour < 3_000; hour++) ringAdd(ring, START + hour, 1_000_000_000 + hour, 696);
    expect(ring.packed?.length).toBe(4 * 696);
    expect(ring.slots.length).toBe(0);
    ringAdd(ring, START + 2_999, 1_000_000_000_000, 696);
    expect(ring.packed?.length).toBe(5 * 696);
    expect(ringAt(ring, START + 2_999)).toBe(1_001_000_002_999);
    expect(ringAt(ring, START + 2_500)).toBe(1_000_002_500);
  });
});
