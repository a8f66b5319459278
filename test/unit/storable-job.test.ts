import { describe, expect, test } from 'vitest';
import { originalJobData, storableJobData } from '../../src/domain/events/storable-job.ts';

describe('job data for a queue on jsonb', () => {
  test.each([{ id: 'a\u0000b' }, { id: 'half \ud800' }, { v: 1, events: ['\udfff', { properties: { x: '\u0000' } }] }])(
    'keeps what jsonb refuses, and gives it back unchanged: %j',
    (data) => {
      const stored = storableJobData(data);
      expect(JSON.stringify(stored)).not.toMatch(/(?<!\\)\\u(0000|d[89a-f])/i);
      expect(originalJobData(stored)).toEqual(data);
    },
  );

  test('leaves ordinary data alone, whole emoji included', () => {
    const data = { v: 1, events: [{ id: 'evt 🙂' }] };
    expect(storableJobData(data)).toBe(data);
    expect(originalJobData(data)).toBe(data);
  });

  test('hands on what only looks like it', () => {
    const foreign = { 'tollkeeper:json': '{not json' };
    expect(originalJobData(foreign)).toBe(foreign);
    expect(originalJobData({ 'tollkeeper:json': 5 })).toEqual({ 'tollkeeper:json': 5 });
  });
});
