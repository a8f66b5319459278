import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { int64Of, sha256, uint16At, uint32At } from '../../../src/domain/digest.ts';

test('the words of a digest are those of its bytes, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const bytes = createHash('sha256').update(text, 'utf8').digest();
      const digest = sha256(text);
      for (let at = 0; at <= 28; at++) expect(uint32At(digest, at)).toBe(bytes.readUInt32BE(at));
      for (let at = 0; at <= 30; at++) expect(uint16At(digest, at)).toBe(bytes.readUInt16BE(at));
      expect(int64Of(digest)).toBe(bytes.readBigInt64BE(0));
    }),
    { seed: 20_260_309, numRuns: 300 },
  );
});
