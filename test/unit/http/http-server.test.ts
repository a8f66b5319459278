import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { takeRawBodies } from '../../../src/http/server/http-app.ts';
import { type HttpServer, startHttpServer } from '../../../src/http/server/http-server.ts';
import type { Principal } from '../../../src/http/server/principal.ts';
import { systemRoutes } from '../../../src/http/system/system-routes.ts';

const READER: Principal = {
  tenant: 'default',
  keyId: 'reader',
  scopes: new Set(['read']),
  accounts: undefined,
  requestsPerMinute: undefined,
};

const problems: string[] = [];
let isReady = true;
let server: HttpServer;

beforeAll(async () => {
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    requestMs: 1_500,
    bodyBytesMax: 2_000,
    authenticator: { authenticate: async (secret) => (secret === 'tk_reader' ? READER : undefined) },
    isAway: (error) => error instanceof Error && 'code' in error && error.code === '57P01',
    onProblem: (what, error) => problems.push(`${what} ${String(error)}`),
    routes: [
      (app) =>
        systemRoutes(app, {
          metrics: { contentType: 'text/plain; version=0.0.4', read: async () => 'up 1\n' },
          ready: async () => [
            { name: 'database', ok: isReady },
            { name: 'queues', ok: true },
          ],
          areMetricsOpen: false,
        }),
      (app) => {
        app.post('/raw', { config: { access: 'open' } }, async (request) => ({
          bytes: Buffer.isBuffer(request.body) ? request.body.toString('hex') : null,
        }));
        takeRawBodies(app, 1_000);
      },
      (app) => {
        const body = z.strictObject({ amount: z.string().max(10), tags: z.array(z.string()).default([]) });
        app.post('/echo', { config: { access: 'open' }, schema: { body } }, async (request) => request.body);
        app.get('/read', { config: { access: 'read' } }, async (request) => ({ key: request.principal?.keyId }));
        app.get('/freeze', { config: { access: 'support' } }, async () => ({}));
        app.get('/forgotten', async () => ({}));
        app.get('/named/:id', { config: { access: 'open' } }, async (request) => request.params);
        app.get('/away', { config: { access: 'open' } }, async () => {
          throw Object.assign(new Error('the server is shutting down'), { code: '57P01' });
        });
        app.get('/broken', { config: { access: 'open' } }, async () => {
          throw new TypeError('postgres://u:hunter2@db/x is not iterable');
        });
      },
    ],
  });
});

afterAll(() => server.close());

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${server.url}${path}`, { headers });
const post = (path: string, body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
  fetch(`${server.url}${path}`, { method: 'POST', body, headers: { 'content-type': type } });

/** Sends bytes as they are and returns what comes back until the server hangs up. */
function speak(text: string, options: { readonly every?: number } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(server.port, '127.0.0.1', async () => {
      if (options.every === undefined) {
        socket.write(text);
        return;
      }
      for (const character of text) {
        if (socket.destroyed || !socket.writable) return;
        socket.write(character);
        await sleep(options.every);
      }
    });
    socket.on('data', (data) => {
      heard += data.toString();
    });
    socket.on('close', () => resolve(heard));
    socket.on('error', (error: Error & { readonly code?: string }) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(heard) : reject(error),
    );
  });
}

describe('the three questions of operators', () => {
  test('/health answers while the process lives', async () => {
    const answer = await get('/health');
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('/ready names what is missing and answers 503, so that a balancer sends nobody', async () => {
    expect(await (await get('/ready')).json()).toEqual({ ready: true, checks: { database: true, queues: true } });
    isReady = false;
    const answer = await get('/ready');
    isReady = true;
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { ready: false, checks: { database: false, queues: true } },
    ]);
  });

  test('/metrics needs a key where others than this machine can ask', async () => {
    expect((await get('/metrics')).status).toBe(401);
    const answer = await get('/metrics', { authorization: 'Bearer tk_reader' });
    expect([answer.headers.get('content-type'), await answer.text()]).toEqual(['text/plain; version=0.0.4', 'up 1\n']);
  });
});

describe('who may', () => {
  test('a request without a key, or with one of nobody, is told how to get one', async () => {
    const without = await get('/read');
    expect([without.status, without.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="tollkeeper"']);
    expect(without.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await without.json()).toEqual({
      type: 'urn:tollkeeper:error:KEY_REQUIRED',
      title: 'Key required',
      status: 401,
      detail: 'This route needs an API key.',
      code: 'KEY_REQUIRED',
      fix: expect.stringContaining('tollkeeper api-key create'),
      requestId: without.headers.get('x-request-id'),
    });
    const wrong = await get('/read', { authorization: 'Bearer tk_else' });
    expect(await wrong.json()).toMatchObject({ status: 401, code: 'KEY_INVALID' });
  });

  test('a key does what its scope says and no more; a route that names no scope lets nobody in', async () => {
    const headers = { authorization: 'bearer tk_reader' };
    expect(await (await get('/read', headers)).json()).toEqual({ key: 'reader' });
    expect(await (await get('/freeze', headers)).json()).toMatchObject({ status: 403, code: 'KEY_NOT_ALLOWED' });
    expect(await (await get('/forgotten', headers)).json()).toMatchObject({ status: 403, code: 'KEY_NOT_ALLOWED' });
  });
});

describe('bad input', () => {
  test.each([
    ['is cut off', '{"amount":"1"', 'BODY_NOT_JSON', 400],
    ['is empty', '', 'BODY_NOT_JSON', 400],
    ['says a field twice', '{"amount":"1","amount":"100"}', 'BODY_NOT_JSON', 400],
    ['says a field twice in two spellings', '{"amount":"1","amoun\\u0074":"100"}', 'BODY_NOT_JSON', 400],
    ['holds __proto__', '{"amount":"1","__proto__":{"admin":true}}', 'BODY_NOT_JSON', 400],
    ['nests a thousand levels', `{"tags":${'['.repeat(900)}${']'.repeat(900)}}`, 'BODY_NOT_JSON', 400],
    ['holds a NUL', '{"amount":"1","tags":["a\\u0000b"]}', 'BODY_NOT_JSON', 400],
    ['holds a NUL in a name', '{"amount":"1","a\\u0000b":1}', 'BODY_NOT_JSON', 400],
    ['holds half a surrogate pair', '{"amount":"1","tags":["a\\ud800b"]}', 'BODY_NOT_JSON', 400],
    ['holds the other half', '{"amount":"1","tags":["\\uDE00"]}', 'BODY_NOT_JSON', 400],
    ['holds half a surrogate pair in a name', '{"amount":"1","a\\uD83D":1}', 'BODY_NOT_JSON', 400],
    ['is too large', JSON.stringify({ amount: 'x'.repeat(5_000) }), 'BODY_TOO_LARGE', 413],
    ['has an unknown field', '{"amount":"1","admin":true}', 'REQUEST_INVALID', 400],
  ])('a body that %s is refused with a problem', async (_, body, code, status) => {
    const answer = await post('/echo', body);
    expect([answer.status, await answer.json()]).toMatchObject([status, { code, status }]);
  });

  test('a body that is not UTF-8 is refused', async () => {
    const answer = await post('/echo', new Uint8Array([0x22, 0xff, 0x22]));
    expect(await answer.json()).toMatchObject({ code: 'BODY_NOT_JSON', detail: 'The body is not UTF-8.' });
  });

  test('a text that looks like fields, braces and quotes is none of them', async () => {
    const amount = '"a":{\\"'.slice(0, 8);
    const answer = await post('/echo', JSON.stringify({ amount, tags: ['amount', 'amount', '[[[['] }));
    expect(await answer.json()).toEqual({ amount, tags: ['amount', 'amount', '[[[['] });
  });

  test.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/jsonp', ''])(
    'a body of the type "%s" is refused',
    async (type) => {
      const answer = await post('/echo', '{"amount":"1"}', type === '' ? ' ' : type);
      expect([answer.status, await answer.json()]).toMatchObject([415, { code: 'MEDIA_TYPE_UNKNOWN' }]);
    },
  );

  test('the six characters that spell a NUL are no NUL', async () => {
    const answer = await post('/echo', '{"amount":"\\\\u0000"}');
    expect(await answer.json()).toEqual({ amount: '\\u0000', tags: [] });
  });

  test('both halves of a surrogate pair are a character', async () => {
    const answer = await post('/echo', '{"amount":"1","tags":["\\ud83d\\ude00"]}');
    expect(await answer.json()).toEqual({ amount: '1', tags: ['\u{1f600}'] });
  });

  test('a packed body is refused before it is unpacked', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await fetch(`${server.url}/echo`, { method: 'POST', body: '{}', headers });
    expect(await answer.json()).toMatchObject({ status: 415, code: 'MEDIA_TYPE_UNKNOWN' });
  });

  test('a wrong field is named with its place', async () => {
    const answer = await post('/echo', '{"amount":1,"tags":["a",2]}');
    expect(await answer.json()).toMatchObject({
      code: 'REQUEST_INVALID',
      errors: [
        { field: 'body.amount', message: expect.stringContaining('string') },
        { field: 'body.tags.1', message: expect.stringContaining('string') },
      ],
    });
  });

  test.each([
    '/nowhere',
    '/%',
    '/named/%E0%A4%A',
    '/../etc/passwd',
    '/named/..%2f..%2fetc',
    `/named/${'x'.repeat(900)}`,
    '//read',
    '/named/%00',
    '/named/x?y=%00',
  ])('the path %s leads nowhere, or to itself', async (path) => {
    const heard = await speak(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    if (path.includes('%2f')) expect(heard).toContain('{"id":"../../etc"}');
    else expect(heard).toMatch(/^HTTP\/1\.1 40[04] .*"code":"(?:ROUTE_NOT_FOUND|REQUEST_INVALID)"/s);
  });

  test('headers beyond the limit, and what is no HTTP, are answered and hung up on', async () => {
    const huge = await speak(`GET /health HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(huge).toMatch(/^HTTP\/1\.1 431 .*"status":431/s);
    expect(await speak('PRI * NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"code":"REQUEST_INVALID"/s);
  });

  test('a body that trickles is cut off, and others are served meanwhile', async () => {
    const body = '{"amount":"1"}'.padEnd(400);
    const slow = speak(
      `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n${body}`,
      { every: 20 },
    );
    expect((await get('/health')).status).toBe(200);
    expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a fault of ours says nothing of how we are made, and is told to the log', async () => {
    problems.length = 0;
    const answer = await get('/broken');
    const text = await answer.text();
    expect([answer.status, text]).toEqual([500, expect.stringContaining('"code":"UNEXPECTED"')]);
    expect(text).not.toMatch(/hunter2|iterable|\.ts/);
    expect(problems).toEqual([expect.stringMatching(/^GET \/broken .* TypeError: /)]);
  });
});

test('while the database is away, requests are told to come back', async () => {
  const answer = await get('/away');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await answer.json()).toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    detail: 'The service cannot do this now.',
  });
});

test('a scope that asks for it gets bodies byte by byte, of any type', async () => {
  const answer = await post('/raw', new Uint8Array([0xff, 0x00, 0x7b]), 'application/json; charset=utf-8');
  expect(await answer.json()).toEqual({ bytes: 'ff007b' });
});

test('a server that stops answers what it has, and takes nothing more', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const other = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    authenticator: { authenticate: async () => undefined },
    onProblem: () => undefined,
    routes: [
      (app) => {
        app.get('/slow', { config: { access: 'open' } }, async () => {
          await held;
          return { done: true };
        });
      },
    ],
  });
  const answer = fetch(`${other.url}/slow`);
  await sleep(50);
  const closing = other.close();
  await sleep(50);
  await expect(fetch(`${other.url}/slow`)).rejects.toThrow();
  release();
  expect(await (await answer).json()).toEqual({ done: true });
  await closing;
});

test('an address that is taken is an error with a fix', async () => {
  const { authenticator, routes, onProblem } = {
    authenticator: { authenticate: async () => undefined },
    routes: [],
    onProblem: () => undefined,
  };
  const taken = startHttpServer({ host: '127.0.0.1', port: server.port, authenticator, routes, onProblem });
  await expect(taken).rejects.toMatchObject({ code: 'HTTP_ADDRESS', fix: expect.stringContaining('--http-port') });
});
