import { describe, expect, test } from 'vitest';
import type { DemoStage } from '../../../../src/wire/demo-stage.ts';
import { readRules } from '../../../../src/wire/rules.ts';
import { runCli } from '../../../support/cli.ts';

const EVENTS = 'fixtures/scenarios/quiet-weekend.ndjson';

/** A stage whose database never answers, and fails everything once it is gone. */
function hangingStage() {
  const calls: string[] = [];
  let fail = (_error: Error) => {};
  const hanging = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Whether anybody waits for it yet depends on when the test stops the demo.
  hanging.catch(() => undefined);
  const stage = {
    engineStartMs: 1,
    admin: { findWallets: () => hanging, transact: () => hanging },
    close: async () => void calls.push('close'),
    abandon: async () => {
      calls.push('abandon');
      fail(new Error('terminating connection due to administrator command'));
    },
  } as unknown as DemoStage;
  return { stage, calls };
}

describe('a demo that is stopped', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('by %s says so in one line, removes its database and exits %d', async (signal, exitCode) => {
    const { stage, calls } = hangingStage();
    let stop = (_signal: string) => {};
    const result = await runCli(['demo', '--events', EVENTS], {
      readRules: (directory, options) => readRules(directory ?? 'rules', { ...options, nowMs: 0 }),
      openDemoStage: async () => {
        setImmediate(() => stop(signal));
        return stage;
      },
      stopRequested: () =>
        new Promise((resolve) => {
          stop = resolve;
        }),
    });
    expect(result).toMatchObject({ exitCode, stdout: '' });
    expect(result.stderr.trim()).toBe(`Stopped by ${signal}. The demo's database is removed.`);
    expect(calls).toEqual(['abandon']);
  });

  test('while its database is being set up removes that as well', async () => {
    const { stage, calls } = hangingStage();
    let stop = (_signal: string) => {};
    const result = await runCli(['demo', '--events', EVENTS], {
      readRules: (directory, options) => readRules(directory ?? 'rules', { ...options, nowMs: 0 }),
      openDemoStage: () => {
        stop('SIGINT');
        return new Promise((resolve) => setImmediate(() => resolve(stage)));
      },
      stopRequested: () =>
        new Promise((resolve) => {
          stop = resolve;
        }),
    });
    expect(result.exitCode).toBe(130);
    expect(calls).toContain('abandon');
    expect(calls).not.toContain('close');
  });
});
