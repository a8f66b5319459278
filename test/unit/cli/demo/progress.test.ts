import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createProgress, paceOf } from '../../../../src/cli/output/progress.ts';

function collector(isTTY: boolean) {
  const written: string[] = [];
  const sink = new Writable({
    write(chunk, _, done) {
      written.push(String(chunk));
      done();
    },
  });
  const stream = Object.assign(sink, { isTTY, cursorTo: () => true, clearLine: () => true, columns: 80 });
  return { written, stream };
}

describe('progress', () => {
  test('without a terminal: a line every five seconds and a last one', () => {
    const { written, stream } = collector(false);
    let nowMs = 0;
    const progress = createProgress({ label: 'replaying', total: 20_000, stream, silent: false, now: () => nowMs });
    for (let done = 1_000; done <= 20_000; done += 1_000) {
      nowMs += 1_000;
      progress.update(done);
    }
    progress.finish();
    expect(written).toEqual([
      'replaying 25 %, 5,000 of 20,000, 1,000 events/s, 15.0 s left\n',
      'replaying 50 %, 10,000 of 20,000, 1,000 events/s, 10.0 s left\n',
      'replaying 75 %, 15,000 of 20,000, 1,000 events/s, 5.0 s left\n',
      'replaying 100 %, 20,000 of 20,000, 1,000 events/s\n',
    ]);
  });

  test('an estimated total is called one, and the end is what was done', () => {
    const { written, stream } = collector(false);
    let nowMs = 0;
    const options = { label: 'replaying', total: 20_000, isAbout: true, stream, silent: false, now: () => nowMs };
    const progress = createProgress(options);
    nowMs = 5_000;
    progress.update(10_000);
    nowMs = 10_000;
    progress.update(20_078);
    progress.finish(20_088);
    expect(written).toEqual([
      'replaying 50 %, 10,000 of about 20,000, 2,000 events/s, 5.0 s left\n',
      'replaying 100 %, 20,078 of about 20,000, 2,008 events/s\n',
      'replaying 100 %, 20,088 of 20,088, 2,009 events/s\n',
    ]);
  });

  test('says nothing more once it is abandoned', () => {
    const { written, stream } = collector(false);
    let nowMs = 0;
    const progress = createProgress({ label: 'replaying', total: 100, stream, silent: false, now: () => nowMs });
    progress.update(10);
    progress.abandon();
    nowMs = 60_000;
    progress.update(20);
    progress.finish(20);
    expect(written).toEqual([]);
  });

  test('on a terminal: a bar', () => {
    const { written, stream } = collector(true);
    let nowMs = 0;
    const progress = createProgress({ label: 'replaying', total: 100, stream, silent: false, now: () => nowMs });
    nowMs = 2_000;
    progress.update(50);
    progress.finish();
    expect(written.join('')).toMatch(/replaying {2}█+░+ {2}50 % {2}25 events\/s {2}2\.0 s left/);
  });

  test('silent: nothing', () => {
    const { written, stream } = collector(true);
    const progress = createProgress({ label: 'replaying', total: 100, stream, silent: true });
    progress.update(50);
    progress.finish();
    expect(written).toEqual([]);
  });

  test('an empty run is complete and divides by nothing', () => {
    const { written, stream } = collector(false);
    createProgress({ label: 'replaying', total: 0, stream, silent: false, now: () => 0 }).finish();
    expect(written).toEqual(['replaying 100 %, 0 of 0, 0 events/s\n']);
    expect(paceOf(10, 100, 500)).toEqual({ rate: '20', left: '' });
  });
});
