import type { Random } from '../src/cli/demo/random.ts';
import type { UsageEvent } from '../src/domain/events/usage-event.ts';
import { BASE_PRIORITY } from '../src/domain/ledger/grant.ts';
import { lesser } from '../src/domain/money/nanos.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../src/domain/time.ts';
import type { Command } from './command.ts';
import { LANES } from './engine.ts';
import { roomOf } from './model/wallet.ts';
import { DISCOUNTED, simulatedRuleset } from './ruleset.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { TENANT } from './usage.ts';
import type { World, WriterNode } from './world.ts';

/** Something that happens to a simulated ledger. It starts things; when they go on is for the stage to say. */
export interface Operation {
  readonly name: string;
  readonly weight: number;
  readonly run: (world: World) => void;
}

type HoldCommand = Extract<Command, { readonly do: 'hold' }>;

const WAITING = ['frozen', 'over_limit', 'over_limit', 'throttled', 'too_late', 'altered', 'in_future'] as const;

const CENT = 10_000_000n;

/** Jobs and commands under way at once, at most. */
const JOBS_MAX = 10;
const COMMANDS_MAX = 5;

/**
 * Everything that can happen. What the ledger learns next (corrections) gets its line here, its case in
 * `command.ts` and `run-command.ts`, and its rule in `model/change.ts`.
 */
export const OPERATIONS: readonly Operation[] = [
  { name: 'job', weight: 30, run: (world) => addJob(world) },
  { name: 'burst among holds', weight: 5, run: (world) => burstAmongHolds(world) },
  { name: 'usage to the limit', weight: 4, run: (world) => usageToTheLimit(world) },
  { name: 'stalled job', weight: 8, run: (world) => deliverStalled(world) },
  { name: 'job again', weight: 3, run: (world) => repeatJob(world) },
  { name: 'clock forward', weight: 10, run: (world) => world.moveClock(1 + world.random.below(10 * MINUTE_MS)) },
  { name: 'clock jump', weight: 2, run: (world) => world.moveClock(world.random.below(9 * HOUR_MS)) },
  { name: 'clock to a date', weight: 2, run: (world) => toDate(world) },
  { name: 'clock back', weight: 1, run: (world) => world.moveClock(-world.random.below(5 * HOUR_MS)) },
  { name: 'close days', weight: 0.3, run: (world) => closeDays(world) },
  { name: 'post set', weight: 2, run: (world) => postSet(world) },
  { name: 'crash', weight: 0.4, run: (world) => world.crash(world.random.pick(world.nodes)) },
  { name: 'hand over', weight: 0.6, run: (world) => handOver(world) },
  { name: 'top-up', weight: 6, run: (world) => ask(world, topUp(world)) },
  { name: 'grant', weight: 3, run: (world) => ask(world, grant(world)) },
  { name: 'freeze', weight: 1.5, run: (world) => ask(world, freeze(world)) },
  { name: 'thaw', weight: 3, run: (world) => ask(world, thaw(world)) },
  { name: 'adjust', weight: 2, run: (world) => ask(world, adjust(world)) },
  { name: 'correct event', weight: 3, run: (world) => askMaybe(world, correctEvent(world)) },
  { name: 'settle quarantine', weight: 2.5, run: (world) => ask(world, settle(world)) },
  { name: 'limits', weight: 2, run: (world) => ask(world, limits(world)) },
  { name: 'sweep credit', weight: 1.5, run: (world) => ask(world, sweep(world, 'expire')) },
  { name: 'sweep throttled', weight: 2, run: (world) => ask(world, sweep(world, 'release')) },
  { name: 'sweep freezes', weight: 1, run: (world) => ask(world, endedFreeze(world)) },
  { name: 'place hold', weight: 7, run: (world) => askHold(world, placeHold(world)) },
  { name: 'change hold', weight: 8, run: (world) => askHold(world, changeHold(world)) },
  { name: 'sweep holds', weight: 3, run: (world) => askHold(world, sweepHold(world)) },
  { name: 'command again', weight: 3, run: (world) => repeatCommand(world) },
];

/** To the very millisecond at which a freeze, a grant, a hold or a period of a spending limit ends. */
function toDate(world: World): void {
  const dates = [...world.model.wallets.values()].flatMap(({ frozenUntilMs, grants, holds, throttle }) => [
    frozenUntilMs ?? 0,
    throttle === null ? 0 : (Math.floor(world.nowMs / throttle.periodMs) + 1) * throttle.periodMs,
    ...grants.map(({ expiresAtMs }) => expiresAtMs ?? 0),
    ...[...holds.values()].map(({ expiresAtMs }) => expiresAtMs),
  ]);
  const ahead = dates.filter((atMs) => atMs > world.nowMs);
  if (ahead.length === 0) return;
  // Mostly the next one; the others would hardly ever be met among periods.
  const atMs = world.random.next() < 0.5 ? Math.min(...ahead) : world.random.pick(ahead);
  world.moveClock(atMs - world.nowMs);
}

/** All days up to a time at which usage might still be in time. */
function closeDays(world: World): void {
  if (world.running >= COMMANDS_MAX) return;
  const beforeMs = world.nowMs - 6 * HOUR_MS - world.random.below(3 * DAY_MS);
  world.closeDays(Math.floor(beforeMs / DAY_MS) * DAY_MS);
}

/** Charges and credits of several wallets: new ones, a set that was posted before, or with items that were changed since. */
function postSet(world: World): void {
  const { random, sets } = world;
  if (world.running >= COMMANDS_MAX) return;
  const before = sets.length > 0 && random.next() < 0.35 ? random.pick(sets.slice(-4)) : [];
  const fresh = Array.from({ length: random.below(6) }, (_, index) => ({
    id: `set-${sets.length}-${index}`,
    account: random.pick(world.accounts),
    amount: random.next() < 0.6 ? -cents(world, 30) : cents(world, 40),
    atMs: world.nowMs - random.below(2 * DAY_MS),
  }));
  const again = before.map((item) => {
    if (random.next() < 0.9) return item;
    return random.next() < 0.5
      ? { ...item, amount: item.amount - 1n }
      : { ...item, account: random.pick(world.accounts) };
  });
  const items = [...again, ...fresh].filter(({ amount }) => amount !== 0n);
  sets.push(items);
  world.postSet(items, random.pick(['paid', 'promotional']));
}

function addJob(world: World): void {
  send(world, () => world.usage.job(world.nowMs), world.random.pick(world.nodes));
}

function send(world: World, make: () => readonly UsageEvent[], node: WriterNode): void {
  const underWay = world.jobs.filter(({ isDone }) => !isDone).length;
  if (underWay >= JOBS_MAX) return;
  const job = { id: world.jobs.length, events: make(), workers: new Set<SimulatedProcess>(), isDone: false };
  world.jobs.push(job);
  world.deliver(job, node);
}

/** Usage that may freeze an account, while holds of it are asked for: who is first must be first in the books too. */
function burstAmongHolds(world: World): void {
  const { random } = world;
  const [account, node] = [random.pick(world.accounts), random.pick(world.nodes)];
  send(world, () => world.usage.job(world.nowMs, account), node);
  for (let more = random.below(3); more >= 0; more--) {
    const command = { ...placeHold(world, 4), account };
    world.commands.push(command);
    world.hold(command, node);
  }
}

/** What costs exactly what is left, or one nano-unit more: of the wallet's money, or of its period. */
function usageToTheLimit(world: World): void {
  const { random } = world;
  const wallets = [...world.model.wallets.values()];
  const active = wallets.filter(({ account, status }) => account !== DISCOUNTED && status === 'active');
  if (active.length === 0) return;
  const wallet = random.pick(active);
  const money = wallet.posted - wallet.held + (wallet.overdraft ?? simulatedRuleset().overdraftNanos);
  const room = wallet.throttle === null ? money : roomOf(wallet.throttle, world.nowMs);
  const left = random.pick([money, lesser(room, money), lesser(room, money)]) + BigInt(random.below(2));
  if (left <= 0n) return;
  send(world, () => world.usage.exactly(world.nowMs, wallet.account, left), random.pick(world.nodes));
}

/** A job whose worker died. */
function deliverStalled(world: World): void {
  const stalled = world.jobs.filter(({ isDone, workers }) => !isDone && workers.size === 0);
  if (stalled.length > 0) world.deliver(world.random.pick(stalled), world.random.pick(world.nodes));
}

/** A job that is being worked on, or one that was answered long ago. */
function repeatJob(world: World): void {
  if (world.jobs.length === 0) return;
  const isRecent = world.random.next() < 0.7;
  const from = isRecent ? Math.max(0, world.jobs.length - 12) : 0;
  const job = world.jobs[from + world.random.below(world.jobs.length - from)];
  if (job !== undefined) world.deliver(job, world.random.pick(world.nodes));
}

function handOver(world: World): void {
  world.handOver(world.random.pick(world.nodes), world.random.below(LANES), world.random.next() < 0.5);
}

/** Gives a command, now and then twice at once or as a dry run first. */
function ask(world: World, command: Command): void {
  if (world.running >= COMMANDS_MAX) return;
  world.commands.push(command);
  if (world.random.next() < 0.08) world.command(command, true);
  world.command(command);
  if (world.random.next() < 0.08) world.command(command);
}

/** A request about a hold, where it may go: to its lane's writer, but for captures, or to the direct path. */
function askHold(world: World, command: HoldCommand | undefined): void {
  if (command === undefined) return;
  const { random } = world;
  const isForLane = command.ask.do !== 'capture' && random.next() < 0.6;
  if (!isForLane) {
    ask(world, command);
    return;
  }
  world.commands.push(command);
  const node = random.pick(world.nodes);
  world.hold(command, node);
  if (random.next() < 0.1) world.hold(command, node);
}

function placeHold(world: World, centsMax = 60): HoldCommand {
  const { random } = world;
  const amount = cents(world, centsMax);
  const captureMax = random.pick([amount, amount + amount / 10n, 2n * amount]);
  const place = who(world);
  const seconds = 60 + random.below(random.pick([600, 20_000]));
  return { do: 'hold', ...place, holdId: `hold-${place.key}`, ask: { do: 'place', amount, captureMax, seconds } };
}

/** One of the last holds, closed or not. */
function someHold(world: World): HoldCommand | undefined {
  const placed = world.commands.flatMap((command) =>
    command.do === 'hold' && command.ask.do === 'place' ? [command] : [],
  );
  if (placed.length === 0) return undefined;
  const recent = placed.slice(-12);
  const isOpen = ({ holdId }: HoldCommand) => {
    return [...world.model.wallets.values()].some(({ holds }) => holds.get(holdId)?.state === 'open');
  };
  const open = recent.filter(isOpen);
  return world.random.pick(open.length > 0 && world.random.next() < 0.8 ? open : recent);
}

function changeHold(world: World): HoldCommand | undefined {
  const hold = someHold(world);
  if (hold?.ask.do !== 'place') return undefined;
  const { random } = world;
  const { amount, captureMax } = hold.ask;
  const capture = {
    do: 'capture',
    amount: random.pick([amount, 1n + amount / 2n, captureMax, captureMax + 1n]),
  } as const;
  const asked = [
    {
      do: 'extend',
      amount: random.next() < 0.5 ? undefined : amount + cents(world, 20),
      seconds: 1 + random.below(900),
    },
    capture,
    capture,
    { do: 'release' },
  ] as const;
  return { ...hold, key: `key-${world.commands.length}`, ask: random.pick(asked) };
}

function sweepHold(world: World): HoldCommand | undefined {
  const hold = someHold(world);
  return hold === undefined ? undefined : { ...hold, key: 'expire', ask: { do: 'expire' } };
}

/** A command sent again with its key, now and then by mistake with other words. */
function repeatCommand(world: World): void {
  if (world.commands.length === 0 || world.running >= COMMANDS_MAX) return;
  const recent = world.commands.slice(-12);
  const command = world.random.pick(recent);
  const isMistake = world.random.next() < 0.1 && command.do === 'topup';
  world.command(isMistake ? { ...command, amount: command.amount + 1n } : command);
}

function who(world: World): { readonly account: string; readonly key: string } {
  return { account: world.random.pick(world.accounts), key: `key-${world.commands.length}` };
}

function cents(world: World, max: number): bigint {
  return BigInt(1 + world.random.below(max)) * CENT + BigInt(world.random.below(1_000));
}

function topUp(world: World): Command {
  const terms = { source: 'paid', priority: undefined, expiresAtMs: undefined } as const;
  return { do: 'topup', ...who(world), amount: cents(world, 300), ...terms };
}

function grant(world: World): Command {
  const { random } = world;
  return {
    do: 'topup',
    ...who(world),
    amount: cents(world, 120),
    source: random.pick(['paid', 'promotional', 'promotional']),
    priority: random.next() < 0.3 ? undefined : random.pick([10, BASE_PRIORITY, 80]),
    // Some have ended already, and must be refused.
    expiresAtMs: random.next() < 0.3 ? undefined : world.nowMs - HOUR_MS + random.below(20 * HOUR_MS),
  };
}

function freeze(world: World): Command {
  return { do: 'freeze', ...who(world), hours: 1 + world.random.below(6) };
}

function thaw(world: World): Command {
  return { do: 'thaw', ...who(world), usage: world.random.pick(['keep', 'post', 'post', 'void']), onlyExpired: false };
}

function endedFreeze(world: World): Command {
  return { do: 'thaw', ...who(world), usage: 'keep', onlyExpired: true };
}

function adjust(world: World): Command {
  const kind = world.random.pick(['refund', 'dispute', 'reinstate', 'correct'] as const);
  const amount = cents(world, 80);
  const isNegative = kind === 'correct' && world.random.next() < 0.5;
  return { do: 'adjust', ...who(world), kind, amount: isNegative ? -amount : amount };
}

/** One of the last events that were charged, now and then one that was corrected already. */
function correctEvent(world: World): Command | undefined {
  const { random, model } = world;
  if (model.charges.size === 0) return undefined;
  const all = [...model.charges];
  const [event, charge] = random.pick(random.next() < 0.7 ? all.slice(-8) : all);
  const { account } = charge.event;
  const to = random.pick([
    { kind: 'void' },
    { kind: 'quantity', quantity: world.usage.quantityOf(charge.event.meter) },
    { kind: 'amount', amount: cents(world, 40) - CENT },
  ] as const);
  return { do: 'amend', account, key: `key-${world.commands.length}`, event, to };
}

/** All that waits, or a part of it. */
function settle(world: World): Command {
  const { random } = world;
  const { key, ...someone } = who(world);
  const thawing = [...world.model.wallets.values()].find(({ status }) => status === 'thawing');
  const account = random.next() < 0.5 ? (thawing?.account ?? someone.account) : someone.account;
  const filter = {
    tenant: TENANT,
    ...(random.next() < 0.5 ? { account } : {}),
    ...(random.next() < 0.5 ? { reason: random.pick(WAITING) } : {}),
    ...(random.next() < 0.2 ? { meter: random.pick(['tokens', 'calls', 'thirds']) } : {}),
    ...(random.next() < 0.2 ? { fromMs: world.nowMs - random.below(DAY_MS) } : {}),
    ...(random.next() < 0.2 ? { toMs: world.nowMs - random.below(DAY_MS) } : {}),
  };
  return {
    do: 'settle',
    account,
    key,
    what: random.next() < (thawing === undefined ? 0.75 : 0.4) ? 'post' : 'void',
    filter,
  };
}

function askMaybe(world: World, command: Command | undefined): void {
  if (command !== undefined) ask(world, command);
}

function limits(world: World): Command {
  const { random } = world;
  const periodMs = random.pick([HOUR_MS, DAY_MS]);
  return {
    do: 'limits',
    ...who(world),
    overdraft: random.next() < 0.3 ? undefined : random.pick([null, 0n, 2n * CENT, 100n * CENT]),
    throttle:
      random.next() < 0.4
        ? undefined
        : random.pick([null, { limit: cents(world, 40), periodMs }, { limit: cents(world, 40), periodMs }]),
  };
}

function sweep(world: World, what: 'expire' | 'release'): Command {
  return { do: what, ...who(world) };
}

/**
 * Every seed has its own taste: what is rare in one fills another, so that operations meet which hardly ever would if all
 * seeds were alike.
 */
export function drawWeights(random: Random): readonly number[] {
  return OPERATIONS.map(({ weight }) => weight * random.pick([0.2, 1, 1, 5]));
}

/** One of the operations by the weights of this seed. */
export function pickOperation({ random }: World, weights: readonly number[]): Operation {
  let at = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, operation] of OPERATIONS.entries()) {
    at -= weights[index] ?? 0;
    if (at < 0) return operation;
  }
  throw new RangeError('weights add up to their total');
}
