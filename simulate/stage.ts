import { createHash } from 'node:crypto';
import type { Random } from '../src/cli/demo/random.ts';
import { Locks } from './locks.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** What happens to one operation of a store. `after` means that it took effect and the answer was lost. */
export type Fault = 'none' | 'before' | 'after' | 'crash_before' | 'crash_after';

export const FAULTS: readonly Exclude<Fault, 'none'>[] = ['before', 'after', 'crash_before', 'crash_after'];

/** A store operation that waits for its turn. */
interface Gate {
  readonly process: SimulatedProcess;
  readonly label: string;
  readonly isReady: () => boolean;
  /** How likely it is to be opened, beside the others: some operations take very long, and everything overtakes them. */
  readonly pace: number;
  readonly open: (fault: Fault) => void;
}

/** The world failed, as a broken connection would. */
export class BrokenConnection extends Error {}

const PACES = [1, 1, 1, 1, 1, 0.05] as const;

const NEVER = new Promise<never>(() => undefined);

/**
 * Decides which await goes on next. Every operation of a store stops at a gate; one gate is opened at a time, and
 * nothing else runs until the code behind it waits at its next gate. So one seed is one interleaving, on any engine and
 * any machine.
 */
export class Stage {
  readonly random: Random;
  readonly locks = new Locks();
  readonly faults = new Map<Fault, number>();
  /** The last operations, for the report of a failure. */
  readonly recent: string[] = [];
  step = 0;
  /** Chance of a fault per store operation; 0 while the simulation comes to rest. */
  faultRate: number;
  #gates: Gate[] = [];
  #busy = 0;
  readonly #trace = createHash('sha256');

  constructor(random: Random, faultRate: number) {
    this.random = random;
    this.faultRate = faultRate;
  }

  /** Waits for this operation's turn; the answer is what is to happen to it. A dead process waits for ever. */
  pass(process: SimulatedProcess, label: string, isReady: () => boolean = () => true): Promise<Fault> {
    if (!process.isAlive) return NEVER;
    const pace = this.random.pick(PACES);
    return new Promise((resolve) => this.#gates.push({ process, label, isReady, pace, open: resolve }));
  }

  /** One operation of a store, from its gate to its answer. */
  async perform<T>(
    process: SimulatedProcess,
    label: string,
    run: () => Promise<T>,
    isReady: () => boolean = () => true,
  ): Promise<T> {
    const fault = await this.pass(process, label, isReady);
    if (fault === 'before') throw new BrokenConnection(`${label}: the connection broke before it`);
    const value = await this.during(run);
    return this.answer(process, fault, label, value);
  }

  /** Hands a result to the process, unless the answer is lost or nobody is left to hear it. */
  answer<T>(process: SimulatedProcess, fault: Fault, label: string, value: T): Promise<T> {
    if (fault === 'crash_after') this.kill(process);
    if (!process.isAlive) return NEVER;
    return fault === 'after'
      ? Promise.reject(new BrokenConnection(`${label}: the connection broke after it`))
      : Promise.resolve(value);
  }

  /** An error, unless nobody is left to hear it. */
  fail(process: SimulatedProcess, error: unknown): Promise<never> {
    return process.isAlive ? Promise.reject(error) : NEVER;
  }

  /** A transaction of the store from its begin to its end, when its locks are free again. */
  async settle<T>(
    holder: object,
    run: () => Promise<T>,
  ): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }> {
    try {
      return { ok: true, value: await this.during(run) };
    } catch (error) {
      return { ok: false, error };
    } finally {
      this.locks.release(holder);
    }
  }

  /** The part of a transaction in which the store waits for the process. */
  async inside<T>(run: () => Promise<T>): Promise<T> {
    this.leave();
    try {
      return await run();
    } finally {
      this.enter();
    }
  }

  /** Whether an error is one that the stage made. */
  isFault(error: unknown): boolean {
    return error instanceof BrokenConnection;
  }

  /** Runs something that takes real time; the stage waits for it. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    this.enter();
    try {
      return await run();
    } finally {
      this.leave();
    }
  }

  enter(): void {
    this.#busy++;
  }

  leave(): void {
    this.#busy--;
  }

  /** All memory of a process is gone: whatever it waited for is never answered. */
  kill(process: SimulatedProcess): void {
    this.note(`crash of ${process.name}`);
    process.kill();
    this.#gates = this.#gates.filter((gate) => gate.process !== process);
  }

  /** How many operations wait, and whether one may go on. */
  get waiting(): number {
    return this.#gates.length;
  }

  /** Opens one gate; false when none may be opened. */
  openOne(): boolean {
    const ready = this.#gates.filter((gate) => gate.isReady());
    if (ready.length === 0) return false;
    const gate = this.#pick(ready);
    const fault = this.#drawFault();
    this.note(`${gate.process.name} ${gate.label}${fault === 'none' ? '' : `, ${fault.replace('_', ' ')}`}`);
    this.#gates = this.#gates.filter((other) => other !== gate);
    if (fault === 'crash_before') this.kill(gate.process);
    else gate.open(fault);
    return true;
  }

  /** Until everybody waits at a gate. */
  async quiet(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#busy > 0);
  }

  note(line: string): void {
    const text = `${this.step} ${line}`;
    this.#trace.update(`${text}\n`);
    this.recent.push(text);
    if (this.recent.length > 400) this.recent.splice(0, 200);
  }

  /** Of everything that happened, in order: the same seed gives the same one. */
  traceHash(): string {
    return this.#trace.copy().digest('hex').slice(0, 16);
  }

  #pick(gates: readonly Gate[]): Gate {
    let at = this.random.next() * gates.reduce((sum, { pace }) => sum + pace, 0);
    for (const gate of gates) {
      at -= gate.pace;
      if (at < 0) return gate;
    }
    return this.random.pick(gates);
  }

  #drawFault(): Fault {
    if (this.faultRate === 0 || this.random.next() >= this.faultRate) return 'none';
    const fault = this.random.pick(FAULTS);
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    return fault;
  }
}
