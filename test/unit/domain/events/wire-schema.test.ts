import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { QUARANTINE_REASONS, REJECTION_CODES } from '../../../../src/domain/events/status-words.ts';
import { jobSchema, resultSchema, wireJsonSchema } from '../../../../src/domain/events/wire-schema.ts';

const docs = new URL('../../../../docs/', import.meta.url);

describe('the published contract', () => {
  test('docs/usage-job.schema.json is up to date (npx vitest run -u on this file writes it)', async () => {
    await expect(`${JSON.stringify(wireJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
      '../../../../docs/usage-job.schema.json',
    );
  });

  test('docs/events.md names every status, reason and code with its fix', () => {
    const page = readFileSync(new URL('events.md', docs), 'utf8');
    for (const [code, fix] of Object.entries({ ...QUARANTINE_REASONS, ...REJECTION_CODES })) {
      expect(page).toContain(`| \`${code}\` | ${fix} |`);
    }
  });

  test.each(['unknown_meter', 'too_late', 'in_future', 'altered'] as const)(
    'nothing promises that %s usage is charged by itself: only a person does that',
    (reason) => {
      expect(QUARANTINE_REASONS[reason]).toContain('It is kept and not charged.');
      expect(QUARANTINE_REASONS[reason]).not.toMatch(/automatic|is posted|next top-up/i);
    },
  );

  test('README.md and docs/events.md say the same about an id that comes with another time', () => {
    const limit =
      'while its lane remembers the id: up to 200,000 keys per lane, of which a start reads back the newest 50,000 of the database. Beyond that it is charged as a new event';
    for (const page of ['events.md', '../README.md']) {
      expect(readFileSync(new URL(page, docs), 'utf8').replaceAll(/\s+/g, ' ')).toContain(limit);
    }
  });

  test('the examples in docs/events.md are valid', () => {
    const page = readFileSync(new URL('events.md', docs), 'utf8');
    const examples = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, text = '']): unknown => JSON.parse(text));
    expect(examples.length).toBeGreaterThanOrEqual(3);
    for (const example of examples) {
      const schema = typeof example === 'object' && example !== null && 'results' in example ? resultSchema : jobSchema;
      expect(schema.safeParse(example).error).toBeUndefined();
    }
  });
});
