import type pg from 'pg';

const COPY_DATA = 0x64;
/** CopyDone: its letter, and the length of nothing but itself. */
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
/** CopyFail with an empty reason. */
const COPY_FAIL = Buffer.from([0x66, 0, 0, 0, 5, 0]);

/**
 * Sends rows to `COPY … FROM STDIN` without waiting for the server to ask for them: one round trip instead of two, and
 * the server works while the caller computes on. Of rows it does not want (the statement failed) it drops what still
 * comes, which the protocol promises.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export function copyRows(client: pg.PoolClient, statement: string, bytes: Buffer): Promise<void> {
  const rows = new CopyRows(statement);
  rows.send(bytes);
  rows.end();
  client.query(rows);
  return rows.done;
}

/** The same, with rows that follow while others are already on their way. */
export function openCopy(client: pg.PoolClient, statement: string): OpenCopy {
  const rows = new CopyRows(statement);
  // Whoever fails before it asks how the rows fared has another error to report.
  rows.done.catch(() => undefined);
  client.query(rows);
  return rows;
}

/** Rows on their way. No other statement can run on the connection before they have ended. */
export interface OpenCopy {
  readonly send: (bytes: Buffer) => void;
  readonly end: () => void;
  /** Ends them so that none is stored, unless they have ended: the statement fails, and its transaction with it. */
  readonly abandon: () => void;
  /** Resolves when the server has taken all rows. */
  readonly done: Promise<void>;
}

/** A query as the driver runs it: it calls these by name. */
class CopyRows implements pg.Submittable, OpenCopy {
  readonly done: Promise<void>;
  readonly #statement: string;
  /** What is to be sent once it is this query's turn. */
  readonly #waiting: Buffer[] = [];
  #stream: pg.Connection['stream'] | undefined;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #isOpen = true;

  constructor(statement: string) {
    this.#statement = statement;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  send(bytes: Buffer): void {
    const header = Buffer.allocUnsafe(5);
    header.writeUInt8(COPY_DATA);
    header.writeUInt32BE(bytes.length + 4, 1);
    this.#write(header, bytes);
  }

  end(): void {
    this.#write(COPY_DONE);
    this.#isOpen = false;
  }

  abandon(): void {
    this.#write(COPY_FAIL);
    this.#isOpen = false;
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection;
    this.#stream = stream;
    // Corked, the pieces are one write to the socket.
    stream.cork();
    connection.query(this.#statement);
    for (const piece of this.#waiting) stream.write(piece);
    stream.uncork();
  }

  handleCopyInResponse(): void {}

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.#isOpen = false;
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }

  #write(...pieces: readonly Buffer[]): void {
    if (!this.#isOpen) return;
    const stream = this.#stream;
    if (stream === undefined) {
      this.#waiting.push(...pieces);
      return;
    }
    stream.cork();
    for (const piece of pieces) stream.write(piece);
    stream.uncork();
  }
}
