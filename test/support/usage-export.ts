import { createExportStore } from '../../src/adapters/postgres/usage-export/export-store.ts';
import { createStripeClient } from '../../src/adapters/stripe/client.ts';
import { createUsageMeters } from '../../src/adapters/stripe/usage-meters.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/time.ts';
import { parseMeterTargets } from '../../src/domain/usage-export/meter-targets.ts';
import { hourOf } from '../../src/domain/usage-export/usage-change.ts';
import { customerOf } from '../../src/pipeline/stripe/start-checkout.ts';
import type { UsageExport } from '../../src/pipeline/usage-export/export-port.ts';
import { type Exporting, type ExportRun, runExport } from '../../src/pipeline/usage-export/run-export.ts';
import { credit } from './credit.ts';
import { START_MS, type TestUsage } from './ledger.ts';
import { openMoneyIn, type TestMoney } from './money-in.ts';

/** Books whose usage of the meter `dollars` is exported to `usd` at a fake Stripe, and one funded account with a customer. */
export interface TestExport {
  readonly money: TestMoney;
  readonly parts: Exporting;
  readonly customer: string;
  /** Posts usage, by default now. */
  readonly use: (account: string, ...usage: readonly TestUsage[]) => Promise<readonly string[]>;
  readonly run: (over?: Partial<UsageExport>) => Promise<ExportRun>;
  /** What the meter has counted of a customer, by hours from the start of the tests. */
  readonly counted: (customer?: string) => Promise<readonly (readonly [hour: number, value: number])[]>;
  /** To ten minutes after the next full hour. */
  readonly nextHour: () => void;
  readonly createMeter: (eventName: string) => Promise<unknown>;
}

export async function openExport(
  options: { readonly targets?: string; readonly meters?: readonly string[]; readonly begins?: boolean } = {},
): Promise<TestExport> {
  const money = await openMoneyIn();
  const targets = parseMeterTargets(options.targets ?? 'dollars=usd');
  if (typeof targets === 'string') throw new Error(targets);
  const createMeter = (eventName: string) =>
    money.sdk.billing.meters.create({
      display_name: eventName,
      event_name: eventName,
      default_aggregation: { formula: 'sum' },
    });
  for (const name of options.meters ?? ['usd']) await createMeter(name);
  const meters = createUsageMeters({
    stripe: money.sdk,
    clientOf: (secretKey) =>
      createStripeClient({ secretKey, apiUrl: money.sandbox.url, networkRetries: 0, backOff: { delaysMs: [] } }),
    now: money.now,
  });
  const parts: Exporting = { store: createExportStore(money.ledger.pool), meters, targets, now: money.now };
  await credit(money.ledger, 'acme', 1_000);
  const { customer } = await customerOf(money, 'default', 'acme');
  if (options.begins !== false) await runExport(parts);
  return {
    money,
    parts,
    customer,
    async use(account, ...usage) {
      const now = { atMs: money.now(), receivedAtMs: money.now() };
      const statuses = await money.ledger.use(
        account,
        usage.map((event) => ({ ...now, ...event })),
      );
      return statuses.map(({ status }) => status);
    },
    run: (over = {}) => runExport({ ...parts, meters: { ...meters, ...over } }),
    async counted(of = customer) {
      money.sandbox.control.tick();
      const rows: (readonly [number, number])[] = [];
      for (const { eventName } of targets.values()) {
        const window = { fromMs: START_MS - 40 * DAY_MS, toMs: hourOf(money.now()) + DAY_MS };
        for (const { hourMs, value } of (await meters.hours({ eventName, customer: of, ...window })) ?? [])
          rows.push([(hourMs - START_MS) / HOUR_MS, value]);
      }
      return rows;
    },
    nextHour: () => money.advance(hourOf(money.now()) + HOUR_MS + 10 * MINUTE_MS - money.now()),
    createMeter,
  };
}
