import { expect, test } from 'vitest';
import type { Books } from '../../src/cli/context.ts';
import { HOUR_MS } from '../../src/domain/time.ts';
import { AppError } from '../../src/errors.ts';
import { runCli } from '../support/cli.ts';
import { credit } from '../support/credit.ts';
import { openExport } from '../support/usage-export.ts';

async function openCli(options: Parameters<typeof openExport>[0] = {}) {
  const books = await openExport(options);
  const given = {
    now: books.money.now,
    openBooks: async () => ({ exporting: () => books.parts, close: async () => undefined }) as unknown as Books,
  };
  return { ...books, cli: (...args: readonly string[]) => runCli(['usage-export', ...args], given) };
}

test('status, run and check show usage on its way, and exit 0 while nobody is needed', async () => {
  const { money, use, nextHour, cli } = await openCli();
  await use('acme', { id: 'a', dollars: '2.5' });
  nextHour();
  const run = await cli('run', '--json');
  expect([run.exitCode, run.json()]).toEqual([
    0,
    { collected: 1, planned: 1, taken: 1, refused: 0, waiting: 0, blocked: 0 },
  ]);
  await use('acme', { id: 'b', dollars: '1' });
  const status = await cli('status');
  expect(status.exitCode).toBe(0);
  expect(status.stdout).toContain('dollars since');
  expect(status.stdout).toContain('1 taken (1 not confirmed yet), 0 waiting');
  const open = await cli('run', '--open-hour');
  expect(open.stdout).toContain('1 taken, 0 refused');
  money.advance(3 * HOUR_MS);
  money.sandbox.control.tick();
  const check = await cli('check', '--json');
  expect([check.exitCode, check.json()]).toMatchObject([0, { hours: 2, confirmed: 2, differences: [] }]);
  expect((await cli('rejected')).stdout).toContain('Every usage event arrived.');
});

test('what did not arrive is listed with its reason, sent again by hand, and exits 1 until then', async () => {
  const { money, parts, customer, use, nextHour, cli } = await openCli();
  const hostile = '=cmd|"<b>';
  await credit(money.ledger, hostile, 10);
  await use('acme', { id: 'a', dollars: '2.5' });
  await use(hostile, { id: 'h', dollars: '1' });
  nextHour();
  await cli('run');
  const [event] = await parts.store.sumsIn(0, money.now());
  expect(event?.customer).toBe(customer);
  const { rows } = await money.ledger.pool.query<{ identifier: string }>('select identifier from usage_export_event');
  const identifier = rows[0]?.identifier ?? '';
  await parts.store.reject(identifier, 'meter_event_invalid_value', 'not a \u001b[31mnumber', money.now());
  const listed = await cli('rejected');
  expect(listed.exitCode).toBe(1);
  expect(listed.stdout).toContain(identifier);
  expect(listed.stdout).toContain('meter_event_invalid_value');
  expect(listed.stdout).not.toContain('\u001b');
  const status = await cli('status');
  expect(status.exitCode).toBe(1);
  expect(status.stdout).toContain('1 rejected later');
  expect(status.stdout).toContain(`${hostile} has usage since`);
  const again = await cli('retry', identifier, '--json');
  expect(again.json()).toMatchObject({ value: '2.5', status: 'pending', customer });
  expect((await cli('retry', identifier)).stderr).toContain('USAGE_EVENT_NOT_FOUND');
});

test('a check names what differs and refuses a window that is none', async () => {
  const { money, use, nextHour, cli } = await openCli();
  await credit(money.ledger, 'walk-in', 10);
  await use('walk-in', { id: 'w', dollars: '1' });
  nextHour();
  await cli('run');
  money.advance(3 * HOUR_MS);
  const check = await cli('check');
  expect(check.exitCode).toBe(1);
  expect(check.stdout).toContain('not_sent: not sent yet');
  expect((await cli('check', '--from', '2027-01-01')).exitCode).toBe(2);
});

test('without meters it says what to set', async () => {
  const off = () => {
    throw new AppError('STRIPE_OFF', 'STRIPE_METERS is not set, so no usage is exported.');
  };
  const given = { openBooks: async () => ({ exporting: off, close: async () => undefined }) as unknown as Books };
  const run = await runCli(['usage-export', 'status'], given);
  expect([run.exitCode, run.stderr]).toEqual([expect.any(Number), expect.stringContaining('STRIPE_METERS')]);
  expect(run.exitCode).not.toBe(0);
});
