import type pg from 'pg';

/** CopyDone: its letter, and the length of nothing but itself. */
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
const COPY_DATA = 0x64;

/**
 * Sends rows to `COPY … FROM STDIN` without waiting for the server to ask for them: one round trip instead of two, and
 * the server works while the caller computes on. Of rows it does not want (the statement failed) it drops what still
 * comes, which the protocol promises.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */
export function copyRows(client: pg.PoolClient, statement: string, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyRows(statement, bytes, resolve, reject));
  });
}

/** A query as the driver runs it: it calls these by name. */
class CopyRows implements pg.Submittable {
  readonly #statement: string;
  readonly #bytes: Buffer;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;

  constructor(statement: string, bytes: Buffer, resolve: () => void, reject: (error: Error) => void) {
    this.#statement = statement;
    this.#bytes = bytes;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: pg.Connection): void {
    const header = Buffer.allocUnsafe(5);
    header.writeUInt8(COPY_DATA);
    header.writeUInt32BE(this.#bytes.length + 4, 1);
    const { stream } = connection;
    // Corked, the four pieces are one write to the socket.
    stream.cork();
    connection.query(this.#statement);
    stream.write(header);
    stream.write(this.#bytes);
    stream.write(COPY_DONE);
    stream.uncork();
  }

  handleCopyInResponse(): void {}

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve();
  }
}
