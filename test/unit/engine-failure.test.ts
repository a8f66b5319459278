import { expect, test } from 'vitest';
import { failureFromErrno, failureFromOutput } from '../../src/adapters/postgres/embedded/engine-failure.ts';

// What PostgreSQL 18.4 printed when each of these happened.
test.each([
  [
    'initdb on a full disk',
    'running bootstrap script ... FATAL:  could not write to file "pg_wal/xlogtemp.9039": No space left on device',
    'ENGINE_DISK_FULL',
  ],
  [
    'a start on a full disk',
    'ERROR:  could not write blocks 43..43 in file "base/16384/2838": No space left on device',
    'ENGINE_DISK_FULL',
  ],
  [
    'a taken port',
    'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\nFATAL:  could not create any TCP/IP sockets',
    'ENGINE_PORT_IN_USE',
  ],
  ['foreign data', 'FATAL:  database files are incompatible with server', 'ENGINE_DATA_VERSION'],
  ['anything else', 'FATAL:  invalid value for parameter "wal_compression": "lz4"', 'ENGINE_UNAVAILABLE'],
  ['silence', '', 'ENGINE_UNAVAILABLE'],
])('the engine tells %s apart', (_what, output, code) => {
  expect(failureFromOutput('Starting', output).code).toBe(code);
});

test('the failure quotes the fatal line, not the lines around it', () => {
  const output = 'LOG:  starting\nFATAL:  role is missing\nLOG:  database system is shut down\n';
  expect(failureFromOutput('Starting PostgreSQL', output).message).toBe(
    'Starting PostgreSQL failed: FATAL:  role is missing',
  );
});

test.each([
  ['ENOSPC', 'ENGINE_DISK_FULL'],
  ['EDQUOT', 'ENGINE_DISK_FULL'],
  ['EACCES', 'ENGINE_UNAVAILABLE'],
])('a file system call that ends with %s becomes %s and keeps its cause', (errno, code) => {
  const cause = Object.assign(new Error(errno), { code: errno });
  expect(failureFromErrno('Creating x', cause)).toMatchObject({ code, cause });
});
