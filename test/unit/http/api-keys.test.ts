import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatKey, isKeyId, KEY_BYTES, keyPartsOf, parseKey } from '../../../src/domain/api-keys/key-text.ts';
import { API_SCOPES, mayDo } from '../../../src/domain/api-keys/scopes.ts';
import { redact } from '../../../src/log-redaction.ts';

const random = fc.uint8Array({ minLength: KEY_BYTES, maxLength: KEY_BYTES });

test('a key is read back as it was made, and other bytes make another', () => {
  fc.assert(
    fc.property(random, random, (bytes, other) => {
      const parts = keyPartsOf(bytes);
      expect(isKeyId(parts.keyId)).toBe(true);
      expect(parseKey(formatKey(parts))).toEqual(parts);
      const isSame = bytes.subarray(8).every((byte, at) => byte === other[at + 8]);
      expect(keyPartsOf(other).secret === parts.secret).toBe(isSame);
    }),
  );
});

test('every bit of the secret counts', () => {
  const zero = formatKey(keyPartsOf(new Uint8Array(KEY_BYTES)));
  const keys = new Set([zero]);
  for (let bit = 64; bit < KEY_BYTES * 8; bit++) {
    const bytes = new Uint8Array(KEY_BYTES);
    bytes[bit >> 3] = 1 << (bit & 7);
    keys.add(formatKey(keyPartsOf(bytes)));
  }
  expect(keys.size).toBe(257);
});

test.each([
  '',
  'tk_live_',
  'tk_live_0_0',
  `tk_test_${'0'.repeat(12)}_${'0'.repeat(52)}`,
  `tk_live_${'l'.repeat(12)}_${'0'.repeat(52)}`,
])('"%s" is no key', (text) => {
  expect(parseKey(text)).toBeUndefined();
});

test('logs name a key and keep its secret', () => {
  const { keyId, secret } = keyPartsOf(new Uint8Array(KEY_BYTES).map((_, index) => index * 37));
  const line = redact(`{"msg":"who sent ${formatKey({ keyId, secret })}?"}`);
  expect(line).toContain(keyId);
  expect(line).not.toContain(secret);
});

test('scopes include what they need to see, and only admin everything', () => {
  const may = (scope: (typeof API_SCOPES)[number]) => API_SCOPES.filter((asked) => mayDo([scope], asked));
  expect(Object.fromEntries(API_SCOPES.map((scope) => [scope, may(scope)]))).toEqual({
    ingest: ['ingest'],
    read: ['read'],
    support: ['read', 'support'],
    analyst: ['read', 'analyst'],
    admin: [...API_SCOPES],
  });
});
