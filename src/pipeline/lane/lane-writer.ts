import type { EventStatus } from '../../domain/events/usage-event.ts';
import type { Ruleset } from '../../domain/rules/ruleset.ts';
import { AppError } from '../../errors.ts';
import { isOurBug } from '../ingest/never-fail.ts';
import { applyInPieces } from './apply-batch.ts';
import type { BatchRecord } from './batch-record.ts';
import { findDuplicates } from './find-duplicates.ts';
import { readFindings } from './findings.ts';
import { HoldWriter } from './hold-writer.ts';
import type { LaneEvent } from './lane-event.ts';
import type { LaneMemory } from './lane-memory.ts';
import type { LaneStore, LaneTransaction } from './lane-store.ts';
import { MemoryVoidError } from './lane-turn.ts';
import { readLessons } from './lessons.ts';
import { findMoved, keepIdentities, type MovingSources } from './moving-sources.ts';
import { applyOutsideChanges, loadMissingAccounts, takeOver } from './take-over.ts';

/** What a lane writer tells the world. */
export interface LaneObserver {
  readonly onCommit?: (batch: BatchRecord) => void;
  /** An attempt failed and will be repeated; `attempt` counts from 1. */
  readonly onRetry?: (lane: number, attempt: number, error: unknown) => void;
  /** Another process owns the lane: whatever is submitted from now on belongs there. */
  readonly onLost?: (lane: number) => void;
}

export interface LaneWriterOptions {
  readonly lane: number;
  readonly owner: string;
  readonly store: LaneStore;
  /** The rules in force; asked before every batch so that a reload takes effect between batches. */
  readonly ruleset: () => Ruleset;
  /** Rules that were in force before, by hash: takeover folds every batch under its own. */
  readonly rulesetOf?: (hash: string) => Promise<Ruleset | undefined>;
  readonly lateWindowMs: number;
  /** Sources that may repeat an event under another time; none unless given. */
  readonly movingSources?: MovingSources;
  /** Most events of a batch; an idle lane begins with half as many. */
  readonly batchEventsMax: number;
  /** How long the first event of an idle lane waits for company. */
  readonly gatherMs: number;
  readonly observer: LaneObserver;
  /** Waits between attempts; a test passes its own clock. */
  readonly sleep: (ms: number) => Promise<void>;
}

interface Submission {
  readonly events: readonly LaneEvent[];
  readonly resolve: (statuses: EventStatus[]) => void;
  readonly reject: (error: unknown) => void;
}

/** The longest a busy lane waits for company before its next batch. */
const GATHER_MS_MAX = 50;

const NO_SOURCES: MovingSources = new Set();

const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;

/**
 * The single writer of one lane in this process. Submissions of many jobs are gathered into shared database
 * transactions; each resolves when its events are durably posted, quarantined or refused. A failed transaction voids
 * the memory, which is loaded again before the next attempt: infrastructure errors are retried until the database is
 * back, so no caller ever loses an event to them. Only `LANE_FENCED` and `LANE_BUSY` reach the caller, who hands the
 * events to the lane's new owner.
 */
export class LaneWriter {
  readonly #options: LaneWriterOptions;
  /** The lane's holds, granted from the same memory. */
  readonly holds: HoldWriter;
  #memory: LaneMemory | undefined;
  #loading: Promise<LaneMemory> | undefined;
  #waiting: Submission[] = [];
  #waitingEvents = 0;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #closed = false;
  #lastBatchMs = 0;

  constructor(options: LaneWriterOptions) {
    this.#options = options;
    this.holds = new HoldWriter({
      ...options,
      onRetry: (attempt, error) => options.observer.onRetry?.(options.lane, attempt, error),
      memory: () => this.#load(),
      isCurrent: (memory) => this.#memory === memory,
      forget: (memory) => this.#forget(memory),
      onLost: () => options.observer.onLost?.(options.lane),
    });
  }

  get lane(): number {
    return this.#options.lane;
  }

  /** Events accepted and not yet durable: the caller's measure of back-pressure. */
  get backlog(): number {
    return this.#waitingEvents;
  }

  /** Takes the lane over before the first event, so that a busy lane is known at start. */
  async open(): Promise<void> {
    await this.#load();
  }

  /** Resolves with one status per event, in order, once all of them are durable. */
  submit(events: readonly LaneEvent[]): Promise<EventStatus[]> {
    // A closed writer that wrote again would claim a lane that it has just released.
    if (this.#closed) return Promise.reject(new AppError('LANE_FENCED', `the writer of lane ${this.lane} is closed`));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ events, resolve, reject });
      this.#waitingEvents += events.length;
      this.#schedule();
    });
  }

  /**
   * Ends the gathering now. The intake calls this when every job it may hold is waiting here: nobody else can join, so
   * waiting longer would only cost time.
   */
  hurry(): void {
    if (this.#timer !== undefined) this.#flush();
  }

  /** Finishes what was submitted, then releases the lane. With `abandon`, what cannot be written now is rejected. */
  async close(options: { readonly abandon?: boolean } = {}): Promise<void> {
    this.#stopped = options.abandon === true;
    while (this.#running !== undefined || this.#waiting.length > 0) {
      this.#flush();
      await this.#running;
    }
    await this.holds.close({ abandon: this.#stopped });
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#options.store.release(this.#options.lane);
    this.#memory = undefined;
  }

  /** The lane's memory. Batches and holds may both miss it at once: it is claimed and loaded once. */
  async #load(): Promise<LaneMemory> {
    if (this.#memory !== undefined) return this.#memory;
    const { store, lane, owner, ruleset, rulesetOf } = this.#options;
    // Whoever gives a lane up must not claim it again: another writer may be about to.
    if (this.#stopped || this.#closed) throw new AppError('LANE_FENCED', `lane ${lane} is given up`);
    this.#loading ??= takeOver(store, lane, owner, ruleset(), rulesetOf)
      .then((memory) => {
        this.#memory = memory;
        return memory;
      })
      .finally(() => {
        this.#loading = undefined;
      });
    return this.#loading;
  }

  /** Throws a memory away after a failure. Whoever waits for a turn on it starts over. */
  #forget(memory: LaneMemory): void {
    memory.turn.abolish();
    if (this.#memory === memory) this.#memory = undefined;
  }

  #schedule(): void {
    const isEnough = this.#waitingEvents >= this.#options.batchEventsMax / 2;
    if (this.#running !== undefined || (this.#timer !== undefined && !isEnough)) return;
    // Half a batch waits for nobody: more would only keep the intake from parsing while the database writes.
    if (isEnough) {
      this.#flush();
      return;
    }
    // A busy lane gathers for twice as long as its last batch took: bigger batches are what makes it catch up.
    const waitMs = Math.max(this.#options.gatherMs, Math.min(GATHER_MS_MAX, 2 * this.#lastBatchMs));
    this.#timer = setTimeout(() => this.#flush(), waitMs);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running !== undefined || this.#waiting.length === 0) return;
    const submissions = this.#takeBatch();
    const startedAtMs = performance.now();
    this.#running = this.#write(submissions).finally(() => {
      this.#running = undefined;
      this.#lastBatchMs = performance.now() - startedAtMs;
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  /** Whole submissions up to the batch size; one larger than it still goes alone. */
  #takeBatch(): Submission[] {
    const taken: Submission[] = [];
    let events = 0;
    for (const submission of this.#waiting) {
      if (taken.length > 0 && events + submission.events.length > this.#options.batchEventsMax) break;
      taken.push(submission);
      events += submission.events.length;
    }
    this.#waiting = this.#waiting.slice(taken.length);
    this.#waitingEvents -= events;
    return taken;
  }

  async #write(submissions: readonly Submission[]): Promise<void> {
    try {
      const events =
        submissions.length === 1 ? (submissions[0]?.events ?? []) : submissions.flatMap(({ events }) => events);
      const statuses = await this.#writeDurably(events);
      let offset = 0;
      for (const submission of submissions) {
        submission.resolve(statuses.slice(offset, offset + submission.events.length));
        offset += submission.events.length;
      }
    } catch (error) {
      for (const submission of submissions) submission.reject(error);
    }
  }

  async #writeDurably(events: readonly LaneEvent[]): Promise<EventStatus[]> {
    let lookUpAll = false;
    for (let attempt = 1; ; attempt++) {
      let memory: LaneMemory | undefined;
      try {
        memory = await this.#load();
        return await this.#attempt(memory, events, lookUpAll);
      } catch (error) {
        // A failed group of holds voids the memory too; whoever needs it next claims the lane again, with a new epoch.
        const isReplaced = memory !== undefined && this.#memory !== memory;
        if (isReplaced && isLost(error)) continue;
        if (memory !== undefined) this.#forget(memory);
        if (error instanceof MemoryVoidError) continue;
        if (isLost(error)) this.#options.observer.onLost?.(this.lane);
        if (isLost(error) || this.#stopped) throw error;
        this.#options.observer.onRetry?.(this.lane, attempt, error);
        if (isUniqueViolation(error) && !lookUpAll) {
          // A key that another lane wrote is found by looking every key up.
          lookUpAll = true;
          continue;
        }
        if (isDataError(error) || (isOurBug(error) && attempt > 3)) {
          // Narrowed down by halves until the one event that cannot be written stands alone.
          if (events.length > 1) return this.#writeHalves(events);
          if (attempt > 3) return refuseByStore(events, error);
          continue;
        }
        await this.#options.sleep(retryDelayMs(attempt));
      }
    }
  }

  async #writeHalves(events: readonly LaneEvent[]): Promise<EventStatus[]> {
    const middle = events.length >> 1;
    const first = await this.#writeDurably(events.slice(0, middle));
    return first.concat(await this.#writeDurably(events.slice(middle)));
  }

  async #attempt(memory: LaneMemory, events: readonly LaneEvent[], lookUpAll: boolean): Promise<EventStatus[]> {
    const { store, lane, lateWindowMs, movingSources = NO_SOURCES } = this.#options;
    const ruleset = this.#options.ruleset();
    await store.preparePartitions(partitionTimes(memory, events, lateWindowMs));

    // Before the transaction: whoever waits for a turn keeps neither the fence nor a connection from others.
    const endTurn = await memory.turn.take();
    const work = async (transaction: LaneTransaction) => {
      await applyOutsideChanges(memory, transaction);
      await readLessons(memory, transaction);
      await readFindings(memory, transaction);
      const accounts = await loadMissingAccounts(memory, transaction, events, ruleset.pricing.currency);
      const identities = await findDuplicates(events, memory.recentKeys, transaction.findKeys, lookUpAll);
      const sinceMs = memory.clockMs - lateWindowMs;
      await findMoved(movingSources, { events, identities, sinceMs }, transaction);
      const input = {
        events,
        accounts,
        identities,
        ruleset,
        lateWindowMs,
        entriesFromMs: transaction.entriesFromMs ?? 0,
      };
      const { stream } = transaction;
      const record = await applyInPieces(memory, input, async (made) => stream?.(made, events.length));
      // A hold judged before a freeze commits before it: once the freeze is in the books, no hold follows.
      if (record.outbox.length > 0) await memory.holdsInFlight;
      memory.chain = await transaction.write(record);
      await keepIdentities(movingSources, record, sinceMs, transaction);
      return record;
    };
    const batch = await store.transact(lane, memory.epoch, work).catch((error: unknown) => {
      endTurn(false);
      throw error;
    });
    for (const account of batch.touched) account.isNew = false;
    endTurn(true);
    this.#options.observer.onCommit?.(batch);
    return batch.statuses;
  }
}

/** Days the batch's entries can fall on: event times that may be posted, and the lane's own clock. */
function partitionTimes(memory: LaneMemory, events: readonly LaneEvent[], lateWindowMs: number): number[] {
  const days = new Set<number>();
  // Neighbours are mostly of one day, and a comparison is cheaper than a look-up.
  let lastDay = -1;
  const add = (atMs: number) => {
    const day = Math.floor(atMs / 86_400_000);
    if (day !== lastDay) days.add(day);
    lastDay = day;
  };
  let { clockMs } = memory;
  // What comes of findings across accounts is dated by the lane's clock.
  if (events.length === 0 && clockMs > 0) add(clockMs);
  for (const { event, ingestedAtMs } of events) {
    if (ingestedAtMs > clockMs) clockMs = ingestedAtMs;
    const { occurredAtMs } = event;
    if (occurredAtMs <= clockMs + 3_600_000 && occurredAtMs >= clockMs - lateWindowMs) add(occurredAtMs);
    add(clockMs);
  }
  return [...days].map((day) => day * 86_400_000);
}

function isLost(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'LANE_FENCED' || error.code === 'LANE_BUSY');
}

function retryDelayMs(attempt: number): number {
  return Math.min(RETRY_MS_MIN * 2 ** (attempt - 1), RETRY_MS_MAX);
}

function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function isUniqueViolation(error: unknown): boolean {
  return sqlState(error) === '23505';
}

/** SQLSTATE classes 22 and 23 blame the data, not the world: repeating the same batch cannot help. */
function isDataError(error: unknown): boolean {
  const state = sqlState(error);
  return state.length === 5 && (state.startsWith('22') || state.startsWith('23'));
}

/** One event that the database will not store after every retry: refused with the reason, so that the rest flows on. */
function refuseByStore(events: readonly LaneEvent[], error: unknown): EventStatus[] {
  return events.map(({ event }) => ({
    id: event.id,
    status: 'rejected',
    code: 'EVENT_NOT_STORABLE',
    field: '(event)',
    value: sqlState(error),
    fix: 'Report this event: it passed every check and the database refused it.',
  }));
}
