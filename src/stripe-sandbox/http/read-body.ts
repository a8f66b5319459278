import type { IncomingMessage } from 'node:http';
import { StripeFault } from '../stripe-fault.ts';

const BODY_BYTES_MAX = 1_000_000;

/** The body of a request as text, up to a limit. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    const chunk: Buffer = part;
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new StripeFault(413, 'invalid_request_error', 'The request is too large.');
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString('utf8');
}
