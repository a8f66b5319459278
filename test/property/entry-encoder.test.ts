import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EncodableEntry, EntryEncoder, encodeEntries } from '../../src/adapters/postgres/copy-entries.ts';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const entry: fc.Arbitrary<EncodableEntry> = fc.record({
  key: fc.record({
    timeMs: fc.integer({ min: 0, max: 2 ** 47 }),
    h0: word,
    h1: word,
    h2: fc.integer({ min: 0, max: 0xffff }),
  }),
  wallet: fc.record({ walletId: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
  seq: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
  amount: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  balanceAfter: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  contentHash: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  kind: fc.constantFrom(1, 2, 10),
});

test('entries encoded as they are made are the bytes of all of them at once, whatever room was made for them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(entry, { maxLength: 20 }), { maxLength: 8 }),
      fc.integer({ min: 0, max: 40 }),
      (pieces, room) => {
        const encoder = new EntryEncoder(room, 7, 3);
        const all: EncodableEntry[] = [];
        const sent: Buffer[] = [];
        for (const piece of pieces) {
          const from = all.length;
          all.push(...piece);
          sent.push(encoder.append(all, from));
        }
        const whole = encodeEntries(all, 7, 3);
        expect(encoder.finish()).toEqual(whole);
        if (all.length > 0) expect(Buffer.concat(sent)).toEqual(whole.subarray(0, -2));
      },
    ),
  );
});
