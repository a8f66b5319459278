import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { StripeFault } from '../stripe-fault.ts';
import type { Answer, Api } from './api.ts';
import type { Fault } from './faults.ts';
import { readBody } from './read-body.ts';

/** A request as pages see it. */
export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  /** `http://127.0.0.1:4242`, as the caller wrote it. */
  readonly origin: string;
  readonly host: string;
  /** The page it was sent from, when a browser says so. */
  readonly sentFrom: string | undefined;
  readonly contentType: string;
  readonly accept: string;
}

/** Pages and controls that are no part of Stripe's API; undefined when the path is not theirs. */
export type ExtraPages = (request: PageRequest) => Promise<Answer | undefined>;

const LOOPBACK = '127.0.0.1';

/** Serves the API on loopback; port 0 takes any free one. */
export async function listen(api: Api, pages: ExtraPages, port: number): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    serve(api, pages, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => resolve());
  });
  // A server that listens on a TCP port has an address of this shape.
  return { server, port: (server.address() as AddressInfo).port };
}

async function serve(api: Api, pages: ExtraPages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  const [path = '/', query = ''] = url.split('?', 2);
  const { host = LOOPBACK } = request.headers;
  const origin = `http://${host}`;
  const body = await bodyOf(request, response);
  if (body === undefined) return;
  const page = await pages({
    method,
    path,
    body,
    origin,
    host,
    sentFrom: request.headers.origin,
    contentType: request.headers['content-type'] ?? '',
    accept: request.headers.accept ?? '',
  });
  if (page !== undefined) {
    send(response, page);
    return;
  }
  const fault = api.faults.take(method, path);
  if (fault !== undefined && fault.afterWork !== true && (await spoil(response, fault))) return;
  const pause = async (moment: 'before' | 'after') => {
    const slowsHere = fault?.kind === 'slow' && (fault.afterWork === true) === (moment === 'after');
    if (slowsHere) await sleep(fault.delayMs ?? 0);
  };
  const answer = await api.answer({ method, path, query, body, headers: request.headers, origin }, pause);
  if (fault?.afterWork === true && (await spoil(response, fault))) return;
  if (fault?.kind === 'truncated') truncate(response, answer);
  else send(response, answer);
}

async function bodyOf(request: IncomingMessage, response: ServerResponse): Promise<string | undefined> {
  try {
    return await readBody(request);
  } catch (error) {
    if (!(error instanceof StripeFault)) throw error;
    const headers = { 'content-type': 'application/json', connection: 'close' };
    send(response, { status: error.status, body: JSON.stringify(error.body()), headers });
    return undefined;
  }
}

/** Answers with the fault itself; false when the request goes on. */
async function spoil(response: ServerResponse, fault: Fault): Promise<boolean> {
  const { status = 500 } = fault;
  const headers = {
    ...(fault.shouldRetry === undefined ? {} : { 'stripe-should-retry': String(fault.shouldRetry) }),
    ...(fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) }),
  };
  if (fault.kind === 'status') {
    const type = status >= 500 ? 'api_error' : 'invalid_request_error';
    const code = fault.code ?? (status === 429 ? 'rate_limit' : status === 409 ? 'lock_timeout' : undefined);
    const error = {
      type,
      message: `The sandbox was told to answer ${status}.`,
      ...(code === undefined ? {} : { code }),
    };
    const body = JSON.stringify({ error });
    send(response, {
      status,
      body,
      headers: { 'content-type': 'application/json', 'request-id': 'req_fault', ...headers },
    });
    return true;
  }
  if (fault.kind === 'html') {
    const body = '<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>';
    send(response, { status: fault.status ?? 502, body, headers: { 'content-type': 'text/html', ...headers } });
    return true;
  }
  if (fault.kind === 'reset') {
    response.socket?.resetAndDestroy();
    return true;
  }
  // A silent server keeps the connection until the caller gives up.
  return fault.kind === 'silent';
}

function truncate(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, Math.floor(body.length / 2)), () => response.socket?.destroy());
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
