import { createServer } from 'node:net';

/**
 * A loopback port that is free at this moment: the preferred one, or any. Another program can take it before the caller
 * does.
 */
export async function freePort(preferred?: number): Promise<number> {
  return (preferred === undefined ? undefined : await tryPort(preferred)) ?? (await anyPort());
}

async function anyPort(): Promise<number> {
  const port = await tryPort(0);
  if (port === undefined) throw new Error('127.0.0.1 has no free port left');
  return port;
}

/** The port when it can be listened on, which is asked of the kernel by doing so; undefined when it cannot. */
async function tryPort(wanted: number): Promise<number | undefined> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(wanted, '127.0.0.1', () => resolve(true));
  });
  if (!isListening) return undefined;
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('a listening TCP server has a port');
  return address.port;
}
