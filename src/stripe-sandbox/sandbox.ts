import { Control } from './control.ts';
import { Api } from './http/api.ts';
import { Faults } from './http/faults.ts';
import { listen } from './http/server.ts';
import { sandboxPages } from './pages/pages.ts';
import { allRoutes } from './routes.ts';
import { restoreWorld, saveWorld } from './saved-state.ts';
import { addListener } from './webhooks/add-listener.ts';
import { Deliveries } from './webhooks/deliveries.ts';
import { dispatchEvents } from './webhooks/dispatch.ts';
import { dispatchThinEvents } from './webhooks/thin-events.ts';
import { type FeeSettings, type RadarSettings, World } from './world.ts';

export interface SandboxOptions {
  /** Same seed and same requests give the same ids; 1 unless given. */
  readonly seed?: number;
  /** Epoch milliseconds; the sandbox lives in this time, moved by `advance`. */
  readonly now: () => number;
  /** Any free port unless given. */
  readonly port?: number;
  /** `auto` sends webhooks at once and again after failures; `manual` waits for `deliveries.deliver()`. */
  readonly webhooks?: 'auto' | 'manual';
  readonly radar?: Partial<RadarSettings>;
  readonly fees?: Partial<FeeSettings>;
  readonly meterDelayMs?: number;
  /** Signs webhooks by this clock instead of the sandbox's own, which `advance` moves. */
  readonly signedAt?: () => number;
  /** What `save` gave before: the same Stripe goes on. */
  readonly saved?: string | undefined;
}

/** A fake Stripe on loopback: the real SDK talks to it. Holds everything in memory; nothing leaves the machine. */
export interface StripeSandbox {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** What happens outside the API: cardholders, banks, the Dashboard, time. */
  readonly control: Control;
  readonly faults: Faults;
  readonly deliveries: Deliveries;
  /** Everything stored, for tests that look behind the API. */
  readonly world: World;
  readonly api: Api;
  /** Has webhooks sent to an address, signed with this secret; said again, the address moves. */
  readonly listenTo: (listener: Listener) => void;
  /** Everything in memory as text, for `saved` of the next start. */
  readonly save: () => string;
  readonly close: () => Promise<void>;
}

/** Who wants the webhooks. */
export interface Listener {
  readonly kind: 'snapshot' | 'thin';
  readonly url: string;
  readonly secret: string;
}

const RADAR: RadarSettings = {
  plan: 'teams',
  reviewList: 'usage_anomaly_review',
  blockList: 'usage_anomaly_block',
  reviewCustomerMetadata: false,
  reviewPaymentMetadata: false,
};
// 2.9 % and 30 cents a charge, available after two days: Stripe's standard prices for cards in the US.
const FEES: FeeSettings = {
  chargeBasisPoints: 290,
  chargeFixed: 30,
  disputeFixed: 1_500,
  availableAfterSeconds: 2 * 86_400,
};

/** Starts the sandbox; it runs until it is closed. */
export async function startStripeSandbox(options: SandboxOptions): Promise<StripeSandbox> {
  let shiftMs = 0;
  const now = () => options.now() + shiftMs;
  const world = new World({
    seed: options.seed ?? 1,
    now,
    radar: { ...RADAR, ...options.radar },
    fees: { ...FEES, ...options.fees },
    meterDelayMs: options.meterDelayMs ?? 0,
  });
  const deliveries = new Deliveries({
    mode: options.webhooks ?? 'auto',
    now,
    signedAt: options.signedAt ?? now,
    ids: world.ids,
    onDelivered: ({ eventId }) => {
      const event = world.events.find(eventId);
      if (event !== undefined) event.pending_webhooks = Math.max(0, event.pending_webhooks - 1);
    },
  });
  dispatchEvents(world, deliveries);
  dispatchThinEvents(world, deliveries);
  const faults = new Faults();
  const control = new Control(world, deliveries, faults, (ms) => {
    shiftMs += ms;
  });
  const api = new Api({
    world,
    routes: allRoutes(world, () => deliveries.unacknowledged()),
    faults,
    before: () => control.tick(),
  });
  if (options.saved !== undefined) {
    const saved = restoreWorld(world, options.saved);
    if (typeof saved?.shiftMs === 'number') shiftMs = saved.shiftMs;
    if (Array.isArray(saved?.keys)) api.keys.restore(saved.keys);
  }
  const { server, port } = await listen(api, sandboxPages(control), options.port ?? 0);
  return {
    host: '127.0.0.1',
    port,
    url: `http://127.0.0.1:${port}`,
    control,
    faults,
    deliveries,
    world,
    api,
    listenTo: (listener) => addListener(world, listener),
    save: () => saveWorld(world, { shiftMs, keys: api.keys.dump() }),
    async close() {
      deliveries.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await deliveries.settled();
    },
  };
}
