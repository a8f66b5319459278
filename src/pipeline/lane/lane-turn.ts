/** The memory was thrown away while somebody waited for its turn: load the lane again and start over. */
export class MemoryVoidError extends Error {
  constructor() {
    super('the memory of the lane is void');
  }
}

/** Ends a turn. After one that failed nobody gets another: what it did to the memory is not in the books. */
export type EndTurn = (isCommitted: boolean) => void;

/**
 * Who may write the lane's next batch number and link: one at a time, in the order asked, from the first change of the
 * memory to the news of the commit. Usage batches and groups of captures take turns; holds alone need none.
 */
export class LaneTurn {
  #isTaken = false;
  #isVoid = false;
  #waiting: { readonly resolve: (end: EndTurn) => void; readonly reject: (error: Error) => void }[] = [];

  /** Resolves when it is the caller's turn; `MemoryVoidError` when one before it failed. */
  take(): Promise<EndTurn> {
    if (this.#isVoid) return Promise.reject(new MemoryVoidError());
    if (!this.#isTaken) {
      this.#isTaken = true;
      return Promise.resolve(this.#end());
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Nobody gets another turn: the memory is thrown away. Who has one now ends it as ever. */
  abolish(): void {
    this.#isVoid = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new MemoryVoidError());
  }

  #end(): EndTurn {
    let isOver = false;
    return (isCommitted) => {
      if (isOver) return;
      isOver = true;
      if (!isCommitted) {
        this.abolish();
        return;
      }
      const next = this.#waiting.shift();
      if (next === undefined) this.#isTaken = false;
      else next.resolve(this.#end());
    };
  }
}
