/** A process that may die at any await; what it held in memory is then never looked at again. */
export class SimulatedProcess {
  readonly name: string;
  #isAlive = true;
  readonly #onKill = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  kill(): void {
    this.#isAlive = false;
    for (const stop of this.#onKill) stop();
    this.#onKill.clear();
  }

  /** Does this when the process dies. */
  onKilled(work: () => void): void {
    this.#onKill.add(work);
  }

  /** The result, or an error the moment the process dies: an open database transaction is rolled back then. */
  orKilled<T>(result: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = () => reject(new Error(`${this.name} died`));
      if (!this.#isAlive) stop();
      this.#onKill.add(stop);
      result.then(resolve, reject).finally(() => this.#onKill.delete(stop));
    });
  }
}
