/** Where a command writes. Data goes to stdout, everything said about it to stderr. */
export interface Output {
  /** Lines of data for stdout. */
  readonly data: (text: string) => void;
  /** Progress and remarks for stderr. */
  readonly note: (text: string) => void;
  /** Bytes of data for stdout; resolves when more may come, false when nobody reads any longer. */
  readonly bytes?: (chunk: Uint8Array) => Promise<boolean>;
  /** Columns people see at once; undefined when nobody watches. */
  readonly columns: number | undefined;
}

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(data: string | Uint8Array): unknown;
  on(event: 'error' | 'drain' | 'close', listener: (error: Error) => void): unknown;
}

/**
 * Writes to the process's streams. A reader that has seen enough (`| head`) closes the pipe: then the rest is dropped and
 * the command ends as it would have, because a change under way must not be cut short by the end of its report.
 */
export function createOutput(stdout: Stream, stderr: Stream): Output {
  return {
    data: writerOf(stdout),
    note: writerOf(stderr),
    bytes: bytesWriterOf(stdout),
    columns: stdout.isTTY === true ? (stdout.columns ?? 80) : undefined,
  };
}

function writerOf(stream: Stream): (text: string) => void {
  let isClosed = false;
  stream.on('error', (error) => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error;
    isClosed = true;
  });
  return (text) => {
    if (!isClosed) stream.write(text.endsWith('\n') ? text : `${text}\n`);
  };
}

function bytesWriterOf(stream: Stream): (chunk: Uint8Array) => Promise<boolean> {
  let isClosed = false;
  let wake: () => void = () => undefined;
  const close = () => {
    isClosed = true;
    wake();
  };
  // An error that is not a closed pipe is thrown by the listener of the text writer.
  stream.on('error', close);
  stream.on('close', close);
  stream.on('drain', () => wake());
  return async (chunk) => {
    if (isClosed) return false;
    if (stream.write(chunk) === false) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return !isClosed;
  };
}
