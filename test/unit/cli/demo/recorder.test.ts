import { describe, expect, test } from 'vitest';
import { createRecorder } from '../../../../src/cli/demo/recorder.ts';
import type { BatchRecord } from '../../../../src/pipeline/lane/batch-record.ts';

/** A batch of which only what was announced matters. */
function batchWith(outbox: BatchRecord['outbox']): BatchRecord {
  return { facts: [], outbox, decisions: [] } as unknown as BatchRecord;
}

function message(status: 'frozen' | 'thawed', at: string, until: string | null): BatchRecord['outbox'][number] {
  return {
    topic: 'wallet-status',
    messageKey: `${status}-${at}`,
    payload: { v: 1, tenant: 'default', account: 'acme', wallet: 'wal_1', status, at, until, reason: 'a rule' },
  };
}

describe('the recorder', () => {
  test('knows a freeze that ended within its own batch', () => {
    const recorder = createRecorder([]);
    recorder.record(
      batchWith([
        message('frozen', '2026-03-11T03:16:00.000Z', '2026-03-11T05:16:00.000Z'),
        message('thawed', '2026-03-11T06:00:00.000Z', null),
      ]),
    );
    expect(recorder.freezes()).toEqual([
      { account: 'acme', atMs: Date.UTC(2026, 2, 11, 3, 16), untilMs: Date.UTC(2026, 2, 11, 5, 16) },
    ]);
  });
});
