import { expect, test } from 'vitest';
import { jobIdOf } from '../../../src/domain/events/job-id.ts';

test('the same events give the same id, whatever else gives another', () => {
  expect(jobIdOf(['{"id":"a"}', '{"id":"b"}'])).toBe(jobIdOf(['{"id":"a"}', '{"id":"b"}']));
  const ids = [
    jobIdOf([]),
    jobIdOf(['{"id":"a"}']),
    jobIdOf(['{"id":"a","quantity":"2"}']),
    jobIdOf(['{"id":"a"}', '{"id":"b"}']),
    jobIdOf(['{"id":"b"}', '{"id":"a"}']),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test('BullMQ accepts the id: no integer, no colon', () => {
  expect(jobIdOf(['x'])).toMatch(/^usage-[0-9a-f]{40}$/);
});
