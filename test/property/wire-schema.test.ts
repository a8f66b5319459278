import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseUsageEvent } from '../../src/domain/events/parse-event.ts';
import { parseJob } from '../../src/domain/events/parse-job.ts';
import { eventSchema, jobSchema, SEMANTIC_CHECKS } from '../../src/domain/events/wire-schema.ts';

// Valid values, values near a border, and anything JSON can hold.
const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ minLength: 1, maxLength: 20 }) },
  fc.string({ unit: 'binary', maxLength: 140 }),
  fc.constantFrom('', 'a\nb', 'a\u202eb', '\ud800', 'é'.repeat(128), 'x'.repeat(256), 'x'.repeat(257), '東'.repeat(43)),
);
const quantity = fc.oneof(
  fc.nat(),
  fc.double(),
  fc.constantFrom<unknown>(
    '0',
    '-0',
    '-0.00',
    '-0e5',
    '1',
    '01',
    '1.50',
    '1.',
    '.5',
    '+1',
    '1e3',
    '1E-3',
    '1e99999',
    '-1',
    'NaN',
    'Infinity',
    '',
    ' 1',
    '1 ',
    '1,5',
    '0x1',
    '9'.repeat(18),
    '9'.repeat(19),
    `0.${'1'.repeat(18)}`,
    `0.${'1'.repeat(19)}`,
    '1'.repeat(65),
    '0'.repeat(65),
    -0,
    1e21,
    1e-7,
  ),
  fc.stringMatching(/^-?\d{0,20}(\.\d{0,20})?([eE][+-]?\d{1,5})?$/),
);
const time = fc.oneof(
  fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }).map((date) => date.toISOString()),
  fc.integer(),
  fc.constantFrom<unknown>(
    '2026-02-30T00:00:00Z',
    '2026-03-01T25:00:00Z',
    '2026-03-01',
    '2026-03-01T00:00:00',
    '2026-03-01 00:00:00z',
    '2026-03-01T00:00:00+02:00',
    '2026-03-01T00:00:00.1234567891Z',
    '',
    0,
    -1,
    1.5,
    253_402_300_799_999,
    253_402_300_800_000,
    null,
  ),
);
const sequence = fc.oneof(fc.nat(), fc.constantFrom<unknown>(-1, 1.5, '1', null, 2 ** 53 - 1, 2 ** 53));
const properties = fc.oneof(
  fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })),
  fc.constantFrom<unknown>([], null, 'text', 1, { a: 'x'.repeat(17_000) }, { a: [[[[[[[[[1]]]]]]]]] }),
);
const usual = {
  id: text,
  source: text,
  account: text,
  meter: text,
  quantity,
  occurredAt: time,
  sequence,
  properties,
  tenant: fc.constantFrom<unknown>('default', 'default', 'other', '', null, 1),
};
const valid = fc.constant({ id: 'a', source: 's', account: 'c', meter: 'm', quantity: '1', occurredAt: 0 });
/** A valid event with one field drawn from everything that field might hold. */
const oneField = fc
  .constantFrom(...Object.entries(usual))
  .chain(([field, values]) => fc.tuple(valid, values).map(([base, value]) => ({ ...base, [field]: value })));
const everyField = fc.record(usual, { requiredKeys: ['id', 'source', 'account', 'meter', 'quantity', 'occurredAt'] });
const event: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: oneField },
  { weight: 2, arbitrary: everyField },
  fc.tuple(valid, fc.string(), fc.jsonValue()).map(([base, key, value]) => ({ ...base, [key]: value })),
  valid.map(({ id: _, ...rest }) => rest),
  fc.jsonValue(),
);
const job: fc.Arbitrary<unknown> = fc.oneof(
  event,
  fc.record({
    v: fc.constantFrom<unknown>(1, 1, 1, 2, '1'),
    events: fc.oneof(fc.array(event, { maxLength: 3 }), fc.jsonValue()),
  }),
  fc.tuple(valid, fc.array(valid)).map(([base, events]) => ({ ...base, v: 1, events })),
  fc.record(
    { v: fc.constant(1), events: fc.array(valid), clock: fc.constantFrom('file', 'wall') },
    { requiredKeys: ['v', 'events'] },
  ),
);

/** As it would come out of a queue: undefined, NaN and the like do not exist there. */
const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('schema and parser accept and refuse the same events, up to the documented checks', () => {
  const seen = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(event, (candidate) => {
      const raw = overTheWire(candidate);
      const parsed = parseUsageEvent(raw, false);
      seen[parsed.ok ? 'accepted' : 'refused'] += 1;
      const fits = eventSchema.safeParse(raw).success;
      if (fits && !parsed.ok) expect(SEMANTIC_CHECKS).toContain(parsed.rejection.code);
      else expect(fits).toBe(parsed.ok);
    }),
    { numRuns: 5_000, seed: 20260303 },
  );
  // A generator that only makes bad events would prove nothing.
  expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(500);
});

test('schema and parser accept and refuse the same jobs, up to the documented checks', () => {
  fc.assert(
    fc.property(job, (candidate) => {
      const raw = overTheWire(candidate);
      const parsed = parseJob(raw, { trusted: false });
      const refusals = parsed.ok
        ? parsed.events.flatMap((one) => (one.ok ? [] : [one.rejection.code]))
        : [parsed.rejection.code];
      const fits = jobSchema.safeParse(raw).success;
      if (fits) for (const code of refusals) expect(SEMANTIC_CHECKS).toContain(code);
      else expect(refusals).not.toEqual([]);
    }),
    { numRuns: 5_000, seed: 20260304 },
  );
});

test('the limit on events per job is the same', () => {
  const events = Array.from({ length: 10_001 }, () => ({
    id: 'a',
    source: 's',
    account: 'c',
    meter: 'm',
    quantity: 1,
    occurredAt: 0,
  }));
  expect(jobSchema.safeParse({ v: 1, events }).success).toBe(false);
  expect(parseJob({ v: 1, events }, { trusted: false }).ok).toBe(false);
  expect(jobSchema.safeParse({ v: 1, events: events.slice(1) }).success).toBe(true);
  expect(parseJob({ v: 1, events: events.slice(1) }, { trusted: false }).ok).toBe(true);
});
