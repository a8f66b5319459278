import { connect } from 'node:net';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runHttp, type TestHttp } from '../support/http.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let http: TestHttp;
let key: string;
const now = () => Date.UTC(2026, 2, 2, 12);

beforeAll(async () => {
  database = await createTestDatabase();
  http = await runHttp({
    databaseUrl: database.connectionString,
    redisUrl: inject('redisUrl'),
    prefix: `hostile-${database.name}`,
    now,
  });
  key = await http.key(['ingest', 'read', 'support', 'analyst', 'admin']);
});

afterAll(async () => {
  await http.close();
  await database.drop();
});

interface Wire {
  readonly method: string;
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
  readonly idempotencyKey?: string;
}

/** The status line of a request written by hand: a client library would refuse to send half of these. */
function statusOf({ method, path, type, body, idempotencyKey = 'hostile' }: Wire): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(http.server.port, '127.0.0.1');
    let answer = '';
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no answer to ${method} ${path}`)));
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? Number.NaN)));
    socket.write(
      `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${key}\r\n` +
        `Idempotency-Key: ${idempotencyKey}\r\n${type === '' ? '' : `Content-Type: ${type}\r\n`}Content-Length: ${body.length}\r\n\r\n`,
      'latin1',
    );
    socket.write(body);
  });
}

const deep = (open: string, close: string, levels: number) => `${open.repeat(levels)}1${close.repeat(levels)}`;

/** Texts that every field of a body is filled with. */
const TEXTS = [
  'a\\u0000b',
  '\\u0000',
  'a\\ud800b',
  '\\udc00\\ud800',
  '\\u202e',
  '__proto__',
  "'; drop table wallet; --",
];
const FIELDS = [
  'account',
  'amount',
  'reason',
  'wallet',
  'limit',
  'note',
  'rules',
  'quantity',
  'until',
  'label',
  'expires',
];
const BODIES: readonly (readonly [string, Uint8Array])[] = [
  ...TEXTS.map((text): [string, string] => [
    `text ${text}`,
    `{${FIELDS.map((field) => `"${field}":"${text}"`).join(',')}}`,
  ]),
  ...TEXTS.map((text): [string, string] => [`name ${text}`, `{"${text}":1,"account":"acme"}`]),
  ['deep arrays', deep('[', ']', 100_000)],
  ['deep objects', deep('{"a":', '}', 40_000)],
  ['never closed', '['.repeat(200_000)],
  ['nothing', ''],
  ['null', 'null'],
  ['a number beyond all', '{"amount":1e999,"quantity":-1e999}'],
  ['text', '"x"'],
  ['a list', '[]'],
  ['many fields', `{${Array.from({ length: 5_000 }, (_, index) => `"f${index}":1`).join(',')}}`],
].map(([what, text]): [string, Uint8Array] => [what ?? '', Buffer.from(text ?? '', 'utf8')]);
const BYTES: readonly (readonly [string, Uint8Array])[] = [
  ...BODIES,
  ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d)],
  [
    'a surrogate as bytes',
    Buffer.concat([Buffer.from('{"account":"'), Buffer.of(0xed, 0xa0, 0x80), Buffer.from('"}')]),
  ],
  ['bare NUL bytes', new Uint8Array(64)],
];
const TYPES = [
  '',
  'text/plain',
  'application/json; charset=utf-16',
  'application/json;;;=',
  'application/',
  '/',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'APPLICATION/JSON',
  'application/json, text/plain',
  'application/cloudevents+json; charset="',
  'application/json\u0001',
  `application/${'x'.repeat(8_000)}`,
];

/** Every route that takes a body, from our own description of the API. */
async function writeRoutes(): Promise<readonly { readonly method: string; readonly path: string }[]> {
  const { body } = await http.ask('GET', '/openapi.json');
  const { paths } = body as { readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => ['post', 'put', 'patch', 'delete'].includes(method))
      .map((method) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{[^}]+\}/g, 'acme') })),
  );
}

/** Requests whose answer says that the fault is ours. */
async function failures(requests: readonly (readonly [string, Wire])[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (let at = 0; at < requests.length; at += 16) {
    const answered = await Promise.all(
      requests.slice(at, at + 16).map(async ([what, wire]) => ({ what, wire, status: await statusOf(wire) })),
    );
    for (const { what, wire, status } of answered) {
      if (!(status >= 200 && status < 500)) found.push(`${wire.method} ${wire.path} ${what}: ${status}`);
    }
  }
  return found;
}

test('no body makes a write route fail', async () => {
  const routes = await writeRoutes();
  expect(routes.length).toBeGreaterThan(15);
  const requests = routes.flatMap((route, at) =>
    BYTES.map(([what, body], index): [string, Wire] => [
      what,
      { ...route, type: 'application/json', body, idempotencyKey: `b${at}-${index}` },
    ]),
  );
  expect(await failures(requests)).toEqual([]);
  expect(http.retries).toEqual([]);
}, 120_000);

test('no content type makes a write route fail', async () => {
  const body = Buffer.from('{"account":"acme"}');
  const requests = (await writeRoutes()).flatMap((route, at) =>
    TYPES.map((type, index): [string, Wire] => [
      JSON.stringify(type.slice(0, 60)),
      { ...route, type, body, idempotencyKey: `t${at}-${index}` },
    ]),
  );
  expect(await failures(requests)).toEqual([]);
  expect(http.retries).toEqual([]);
}, 120_000);

test('hostile texts in every field of an event are answered, waited for or not', async () => {
  const event = {
    id: 'x',
    source: 'gateway',
    account: 'acme',
    meter: 'output_tokens',
    quantity: '1',
    occurredAt: '2026-03-02T11:59:00Z',
    properties: { region: 'eu' },
  };
  const bodies = Object.keys(event).flatMap((field) =>
    TEXTS.map((text) => {
      const bad = field === 'properties' ? `{"region":"${text}","${text}":1}` : `"${text}"`;
      return [`${field} ${text}`, JSON.stringify({ ...event, [field]: 'HERE' }).replace('"HERE"', bad)] as const;
    }),
  );
  const cloud = '"specversion":"1.0","id":"y","source":"gateway","type":"output_tokens","time":"2026-03-02T11:59:00Z"';
  for (const text of TEXTS) {
    bodies.push([`field ${text}`, `{"id":"x","${text}":1}`]);
    bodies.push([`data field ${text}`, `{${cloud},"data":{"quantity":"1","${text}":"${text}"}}`]);
    bodies.push([`attribute ${text}`, `{${cloud},"${text}":"${text}","subject":"${text}","data":{"quantity":"1"}}`]);
  }
  const requests = bodies.flatMap(([what, text]) =>
    ['/v1/events', '/v1/events?wait=true'].flatMap((path) =>
      ['application/json', 'application/x-ndjson', 'application/cloudevents+json'].map((type): [string, Wire] => [
        `${type} ${what}`,
        { method: 'POST', path, type, body: Buffer.from(text) },
      ]),
    ),
  );
  expect(await failures(requests)).toEqual([]);
  // A copy under an account of another lane is found when it is written, and looked up again: that is no failure.
  expect(http.retries.filter((problem) => !/^lane .*event_key_key/.test(problem))).toEqual([]);
}, 120_000);
