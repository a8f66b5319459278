import { createRandom, type Random } from '../src/cli/demo/random.ts';
import type { EventStatus, UsageEvent } from '../src/domain/events/usage-event.ts';
import type { CreditSource } from '../src/domain/ledger/grant.ts';
import { AppError } from '../src/errors.ts';
import { type SetItem, SetPoster } from '../src/pipeline/admin/post-set.ts';
import { isOurBug } from '../src/pipeline/ingest/never-fail.ts';
import { type LaneEvent, LaneEventFactory } from '../src/pipeline/lane/lane-event.ts';
import { LaneWriter } from '../src/pipeline/lane/lane-writer.ts';
import { Checks } from './checks.ts';
import type { Command } from './command.ts';
import { type Engine, LANES, laneOfShard } from './engine.ts';
import { GuardedAdmin, RELEASE_MAX } from './guarded-admin.ts';
import { GuardedLanes } from './guarded-lanes.ts';
import { GuardedSets } from './guarded-sets.ts';
import { HoldsOnTheirWay } from './holds-on-their-way.ts';
import { Model } from './model/model.ts';
import { History } from './replay.ts';
import { simulatedRuleset } from './ruleset.ts';
import { holdRequestFor, runCommand } from './run-command.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { Stage } from './stage.ts';
import {
  ACCOUNTS,
  CURRENCY,
  isRefusable,
  LATE_WINDOW_MS,
  MOVING_SOURCE,
  START_MS,
  TENANT,
  TIME_SPAN_MS,
  UsageSource,
} from './usage.ts';

/** Events as a queue holds them, until somebody has an answer for all of them. */
export interface Job {
  readonly id: number;
  readonly events: readonly UsageEvent[];
  /** Processes that work on it now: more than one when it stalled and was delivered again. */
  readonly workers: Set<SimulatedProcess>;
  isDone: boolean;
}

/** A process with lane writers. Two of them believe that they own every lane. */
export interface WriterNode {
  process: SimulatedProcess;
  readonly writers: Map<number, LaneWriter>;
}

type HoldCommand = Extract<Command, { readonly do: 'hold' }>;

const NEVER_MS = 3_600_000;

/** Streams of one seed: what people send does not move when the order of awaits is drawn otherwise. */
const STREAM = { schedule: 1, usage: 2, operations: 3, split: 4 } as const;

/** One simulated ledger: its engine, the processes around it, and the model that everything is compared with. */
export class World {
  readonly engine: Engine;
  readonly stage: Stage;
  readonly random: Random;
  readonly splits: Random;
  readonly model: Model;
  readonly checks: Checks;
  readonly history = new History();
  readonly usage: UsageSource;
  readonly accounts: readonly string[];
  readonly jobs: Job[] = [];
  readonly nodes: WriterNode[];
  /** Commands given so far; they are given again with their keys. */
  readonly commands: Command[] = [];
  /** Sets posted so far; they are posted again. */
  readonly sets: (readonly SetItem[])[] = [];
  readonly counts = new Map<string, number>();
  readonly batchEventsMax: number;
  nowMs = START_MS;
  /** Commands under way. */
  running = 0;
  /** How often the direct path has changed each wallet. */
  readonly #changes = new Map<bigint, number>();
  /** Keys of requests that a lane's writer works on, by hold: two different ones at once would share a group. */
  readonly #holdsAsked = new Map<string, string>();
  readonly #taken = new Map<string, number>();
  readonly #abandoned = new WeakSet<LaneWriter>();
  readonly #processes: SimulatedProcess[] = [];
  #names = 0;
  readonly #factory = new LaneEventFactory(CURRENCY);

  constructor(seed: number, engine: Engine) {
    this.engine = engine;
    this.random = createRandom(seed, STREAM.operations);
    this.splits = createRandom(seed, STREAM.split);
    // The fewer wallets, the more meets on each of them. The first two are on lanes of their own.
    this.accounts = ACCOUNTS.slice(0, this.random.pick([2, 3, 5]));
    this.usage = new UsageSource(createRandom(seed, STREAM.usage), this.accounts);
    // Some worlds are calm, so that long histories grow; others break all the time.
    this.stage = new Stage(createRandom(seed, STREAM.schedule), this.random.pick([0, 0.005, 0.02, 0.06]));
    this.batchEventsMax = this.random.pick([1, 6, 20, 60]);
    const ruleset = simulatedRuleset();
    this.model = new Model({ ruleset, lateWindowMs: LATE_WINDOW_MS, releaseMax: RELEASE_MAX });
    this.checks = new Checks(this.model, ruleset);
    this.nodes = [0, 1].map(() => ({ process: this.#newProcess('node'), writers: new Map() }));
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Moves the clock, forward or back, within what the partitions cover. */
  moveClock(byMs: number): void {
    const latest = START_MS + TIME_SPAN_MS - 12 * NEVER_MS;
    this.nowMs = Math.min(latest, Math.max(START_MS - 24 * NEVER_MS, this.nowMs + byMs));
  }

  /** Hands a job to a process, as a queue does: at least once. */
  deliver(job: Job, node: WriterNode): void {
    const { process } = node;
    job.workers.add(process);
    const items = job.events.map((event) => this.#factory.prepare(event, this.nowMs));
    const byLane = new Map<number, LaneEvent[]>();
    for (const item of items) {
      const lane = laneOfShard(item.address.shard);
      byLane.set(lane, [...(byLane.get(lane) ?? []), item]);
    }
    const parts = [...byLane].map(async ([lane, part]) => {
      const writer = this.#writer(node, lane);
      const statuses = await writer.submit(part).catch((error: unknown) => {
        // Only a writer that was told to give up hands on what it would have repeated otherwise.
        throw this.#abandoned.has(writer) && !isOurBug(error) ? new AppError('LANE_FENCED', 'given up') : error;
      });
      this.#answered(part, statuses);
    });
    Promise.all(parts)
      .then(
        () => {
          job.isDone = true;
        },
        (error: unknown) => this.#handBack(node, error),
      )
      .finally(() => job.workers.delete(process));
  }

  /** Gives a command to the direct path, from a process of its own. */
  command(command: Command, dryRun = false): void {
    const { nowMs } = this;
    const process = this.#newProcess(`${command.do} ${command.key}`);
    const store = new GuardedAdmin(this.stage, process, {
      inner: this.engine.admin,
      takenKeys: (walletId) => this.model.takenKeys(walletId),
      onEnd: (outcome) => {
        this.checks.changeEnded(command, nowMs, outcome);
        if (outcome.dryRun || outcome.refused !== undefined) return;
        const { walletId, isNoted } = outcome;
        if (isNoted) this.#changes.set(walletId, (this.#changes.get(walletId) ?? 0) + 1);
        for (const { wallet } of outcome.changes) this.history.change(outcome.lane, wallet);
        // A thaw under way is a status beside the books.
        const thawing = this.model.wallets.get(walletId);
        const last = outcome.changes.at(-1)?.wallet;
        if (thawing?.status === 'thawing' && last !== undefined) {
          this.history.change(outcome.lane, { ...last, status: 'thawing', frozenUntilMs: null });
        }
      },
    });
    const end = this.#begin(process);
    const wasAnswered = command.do === 'hold' && this.checks.isHoldAnswered(command);
    runCommand(store, command, { nowMs, dryRun })
      .then((answer) => {
        if (command.do === 'hold' && answer !== undefined && !dryRun) {
          this.checks.holdAnswered(command, answer, wasAnswered);
        }
      })
      .catch((error: unknown) => {
        // What the domain refuses was compared with the model; a broken connection is part of the game.
        const isExpected = error instanceof AppError || this.stage.isFault(error) || this.#isMended(command, error);
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.checks.expect('somebody can always go on', isExpected, () => `${command.do} ${command.key}: ${text}`);
      })
      .finally(end);
  }

  /** Gives a request about a hold to the writer of its lane, and to the direct path when that has lost the lane. */
  hold(command: HoldCommand, node: WriterNode): void {
    const { process } = node;
    const name = `${process.name} ${command.holdId}`;
    if ((this.#holdsAsked.get(name) ?? command.key) !== command.key) return;
    this.#holdsAsked.set(name, command.key);
    const wasAnswered = this.checks.isHoldAnswered(command);
    const request = holdRequestFor(command, this.nowMs);
    this.#writer(node, laneOfShard(request.shard))
      .holds.submit(request)
      .then(
        (answer) => this.checks.holdAnswered(command, answer, wasAnswered),
        (error: unknown) => {
          const isLost = error instanceof AppError && (error.code === 'LANE_FENCED' || error.code === 'LANE_BUSY');
          // Only a writer that was told to give up hands on what it would have repeated otherwise.
          const isExpected = isLost || this.stage.isFault(error);
          this.checks.expect('somebody can always go on', isExpected, () => `a hold failed: ${String(error)}`);
          this.command(command);
        },
      )
      .finally(() => this.#holdsAsked.delete(name));
  }

  /** Posts a set, from a process of its own. */
  postSet(items: readonly SetItem[], source: CreditSource): void {
    const process = this.#newProcess(`set ${this.#names}`);
    const lanes = items.map(({ account }) => laneOfShard(this.#factory.addressOf(TENANT, account).shard));
    const expected: (string | undefined)[] = items.map(() => undefined);
    const store = new GuardedSets(this.stage, process, this.engine.sets, (lane, set) => {
      const places = [...items.keys()].filter((place) => lanes[place] === lane);
      const share = places.flatMap((place) => items[place] ?? []);
      const statuses = this.checks.setCommitted(lane, share, set);
      for (const [index, place] of places.entries()) expected[place] = statuses[index];
      for (const { wallet } of set?.postings ?? []) {
        this.#changes.set(wallet.walletId, (this.#changes.get(wallet.walletId) ?? 0) + 1);
        this.history.posted(lane, wallet);
      }
    });
    const end = this.#begin(process);
    const { overdraftNanos } = simulatedRuleset();
    const common = { tenant: TENANT, currency: CURRENCY, actor: 'simulator', reason: null };
    new SetPoster(store)
      .post({ ...common, items, source, overdraftNanos, nowMs: this.nowMs })
      .then((statuses) => this.checks.setAnswered(expected, statuses))
      .catch((error: unknown) => {
        const isExpected = this.stage.isFault(error) || this.#isTaken(process.name, error);
        this.checks.expect('somebody can always go on', isExpected, () => `a set failed: ${String(error)}`);
      })
      .finally(end);
  }

  /** Closes days as archiving does, while no transaction of any lane is under way. */
  closeDays(beforeMs: number): void {
    const { locks } = this.stage;
    const isReady = () => Array.from({ length: LANES }, (_, lane) => lane).every((lane) => locks.canTake(lane));
    const run = async () => {
      await this.engine.closeDays(beforeMs);
      this.model.closeDays(beforeMs);
      this.history.closeDays(beforeMs);
    };
    const process = this.#newProcess('archive');
    const end = this.#begin(process);
    this.stage
      .perform(process, 'close days', run, isReady)
      .catch((error: unknown) => {
        this.checks.expect('somebody can always go on', this.stage.isFault(error), () => `closing days: ${error}`);
      })
      .finally(end);
  }

  /** All memory of a node is gone; its jobs stall and are delivered again. */
  crash(node: WriterNode): void {
    this.stage.kill(node.process);
  }

  /** Whoever starts after a crash begins with nothing. */
  revive(): void {
    for (const node of this.nodes) {
      if (node.process.isAlive) continue;
      for (const job of this.jobs) job.workers.delete(node.process);
      this.hurry(node);
      node.writers.clear();
      node.process = this.#newProcess('node');
    }
  }

  /**
   * Ends everybody, wherever they are: open transactions are rolled back, so that the engine can be closed, and a writer
   * that still gathers does not keep the process alive with its timer.
   */
  async end(): Promise<void> {
    for (const node of this.nodes) this.hurry(node);
    await this.stage.quiet();
    for (const process of this.#processes) process.kill();
    await this.stage.quiet();
  }

  /** Ends the gathering of a node's writers. */
  hurry(node: WriterNode): void {
    for (const writer of node.writers.values()) writer.hurry();
  }

  /** A writer that finishes its work and gives its lane up. */
  handOver(node: WriterNode, lane: number, abandon: boolean): void {
    const writer = node.writers.get(lane);
    if (writer === undefined) return;
    node.writers.delete(lane);
    if (abandon) this.#abandoned.add(writer);
    writer.close({ abandon }).catch((error: unknown) => {
      this.checks.expect('somebody can always go on', this.stage.isFault(error), () => `closing: ${String(error)}`);
    });
  }

  /** A key that another lane posted at this very moment: sending the request again finds it. */
  #isMended({ key }: Command, error: unknown): boolean {
    return this.#isTaken(key, error);
  }

  #isTaken(name: string, error: unknown): boolean {
    const isTaken = error instanceof Error && 'code' in error && error.code === '23505';
    if (!isTaken) return false;
    const times = (this.#taken.get(name) ?? 0) + 1;
    this.#taken.set(name, times);
    this.count('key taken');
    return times <= 2;
  }

  /** Something is under way until this is called, or its process dies: then nothing ever ends it. */
  #begin(process: SimulatedProcess): () => void {
    let isOver = false;
    const end = () => {
      if (!isOver) this.running--;
      isOver = true;
    };
    this.running++;
    process.onKilled(end);
    return end;
  }

  #answered(items: readonly LaneEvent[], statuses: readonly EventStatus[]): void {
    this.checks.answered(items, statuses, ({ event }) => isRefusable(event));
  }

  #handBack(node: WriterNode, error: unknown): void {
    const isLost = error instanceof AppError && (error.code === 'LANE_FENCED' || error.code === 'LANE_BUSY');
    this.checks.expect('somebody can always go on', isLost, () => `a job failed: ${String(error)}`);
    this.count('fenced');
    // Half the time the loser claims the lane again at once: split brain.
    if (this.random.next() < 0.5) for (const lane of [...node.writers.keys()]) this.handOver(node, lane, true);
  }

  #writer(node: WriterNode, lane: number): LaneWriter {
    const known = node.writers.get(lane);
    if (known !== undefined) return known;
    const { process } = node;
    const writer = new LaneWriter({
      lane,
      owner: process.name,
      store: new GuardedLanes(this.stage, process, {
        inner: this.engine.lanes,
        onCommit: (batch, chain, memory) => {
          this.history.batch(batch, memory.held);
          this.checks.batchCommitted(batch, chain, memory);
        },
        onHolds: (holds, operations) => this.checks.holdsCommitted(holds, operations),
        onTheirWay: new HoldsOnTheirWay(this.model, this.#changes),
      }),
      ruleset: simulatedRuleset,
      lateWindowMs: LATE_WINDOW_MS,
      movingSources: new Set([MOVING_SOURCE]),
      batchEventsMax: this.batchEventsMax,
      // No timer ever ends the gathering; the stage does.
      gatherMs: NEVER_MS,
      observer: {},
      sleep: async () => {
        await this.stage.pass(process, `pause ${lane}`);
      },
    });
    node.writers.set(lane, writer);
    return writer;
  }

  #newProcess(name: string): SimulatedProcess {
    const process = new SimulatedProcess(`${name}/${this.#names++}`);
    this.#processes.push(process);
    return process;
  }
}
