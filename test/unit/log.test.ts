import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogFormat } from '../../src/config.ts';
import { cleanText } from '../../src/domain/text/clean.ts';
import { createLogger } from '../../src/log.ts';
import { redact } from '../../src/log-redaction.ts';
import { Secret } from '../../src/secret.ts';

function logging(format: LogFormat, isTTY = false) {
  const lines: string[] = [];
  const target = { isTTY, write: (text: string) => lines.push(text) };
  return { log: createLogger({ level: 'debug', format }, target), lines };
}

describe('format', () => {
  test('auto is JSON when nobody watches', () => {
    const { log, lines } = logging('auto');
    log.info({ lane: 3 }, 'lane opened');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      lane: 3,
      msg: 'lane opened',
      time: expect.any(String),
    });
  });

  test('auto is for people on a terminal', () => {
    const { log, lines } = logging('auto', true);
    log.info('lane opened');
    expect(lines[0]).toContain('\u001b[32mINFO');
  });

  test('pretty without a terminal has no colours', () => {
    const { log, lines } = logging('pretty');
    log.warn('slow');
    expect(lines[0]).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: slow\n$/);
  });
});

describe('secrets', () => {
  const leaks: readonly (readonly [string, unknown])[] = [
    ['a connection string', { url: 'postgres://me:hunter2@db/tollkeeper' }],
    ['a connection string with a percent-encoded password', { text: 'at redis://:hunter2%40x@cache:6379/0' }],
    ['an authorization header', { headers: { authorization: 'hunter2 and more' } }],
    ['a bearer token in a text', { note: 'sent Bearer hunter2hunter2' }],
    ['an API key by its name', { options: { apiKey: 'hunter2"quoted' } }],
    ['a Stripe key', { key: ['sk_live_hunter2hunter2'] }],
    ['a Stripe webhook secret', { cause: { text: 'whsec_hunter2hunter2' } }],
    ['an OpenAI key', { key: 'sk-proj-hunter2hunter2' }],
    ['a Secret', { databaseUrl: new Secret('hunter2') }],
    ['a password in a key-value string', { text: 'host=db password=hunter2' }],
  ];
  test.each(leaks)('%s is not logged', (_name, fields) => {
    for (const format of ['json', 'pretty'] as const) {
      const { log, lines } = logging(format);
      log.error(fields, 'failed');
      expect(lines.join()).not.toContain('hunter2');
      expect(lines.join()).toContain('[secret]');
    }
  });

  test('the text and cause of an error are redacted as well', () => {
    const { log, lines } = logging('json');
    const cause = new Error('connect postgres://me:hunter2@db/x');
    log.error({ err: new Error('no database at postgres://me:hunter2@db/x', { cause }) }, 'failed');
    expect(lines.join()).not.toContain('hunter2');
  });

  test('an error is logged with its code and causes, without what a driver hung on it', () => {
    const { log, lines } = logging('json');
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', client: { port: 5432 } });
    log.error({ err: new Error('no database', { cause }) }, 'failed');
    const { err } = JSON.parse(lines[0] ?? '');
    expect(err).toMatchObject({
      type: 'Error',
      message: 'no database',
      cause: { code: 'ECONNREFUSED', message: 'refused' },
    });
    expect(err.cause.client).toBeUndefined();
  });

  test.each(['json', 'pretty'] as const)('a stack is logged at debug only, else an error is one line: %s', (format) => {
    const linesAt = (level: 'info' | 'debug') => {
      const lines: string[] = [];
      createLogger({ level, format }, { write: (text: string) => lines.push(text) }).error(
        { err: new Error('no') },
        'x',
      );
      return lines.join('');
    };
    expect(linesAt('debug')).toContain('log.test');
    expect(linesAt('info')).not.toContain('log.test');
    expect(linesAt('info').trimEnd()).not.toContain('\n');
  });

  test('redaction leaves valid JSON with the same keys', () => {
    const value = fc.dictionary(
      fc.oneof(fc.string(), fc.constantFrom('password', 'apiKey', 'authorization')),
      fc.oneof(fc.string(), fc.stringMatching(/^(sk_|Bearer |postgres:\/\/)["\\a-z:@/]*$/), fc.integer()),
    );
    fc.assert(
      fc.property(value, (fields) => {
        const parsed: unknown = JSON.parse(redact(JSON.stringify(fields)));
        expect(typeof parsed).toBe('object');
      }),
      { seed: 1 },
    );
  });
});

describe('customer text', () => {
  test('cannot forge lines or move the cursor on a terminal', () => {
    const { log, lines } = logging('pretty');
    log.info({ account: 'a\u001b[2J\nINFO: paid\u009b31m' }, 'event \u001b]0;title\u0007 of\r\nFATAL: \u202egone');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left but the final line break.
    expect(lines.join('').replace(/\n$/, '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  });

  test('looks on a terminal as it does in the answer of a command', () => {
    const { log, lines } = logging('pretty');
    // Characters without a shape of their own, and marks that would paint over the lines around them.
    const account = `acct\u3164\u115f${'\u0301'.repeat(20)}`;
    log.info({ account }, 'seen');
    expect(lines.join('')).toContain(cleanText(account));
    expect(lines.join('')).not.toContain(account);
  });
});
