import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { startPipeline } from '../../src/wire/start-pipeline.ts';
import { PLAIN_RULESET } from '../support/ledger.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('a start without its Redis fails at once, with nothing started, so that a supervisor sees it and tries again', async () => {
  const dataDir = await temporaryDirectory();
  const config = parseConfig({ REDIS_URL: 'redis://:hunter2@127.0.0.1:1', TOLLKEEPER_DATA_DIR: dataDir });
  const starting = startPipeline({ config, ruleset: PLAIN_RULESET, onProblem: () => undefined });
  await expect(starting).rejects.toMatchObject({
    code: 'QUEUE_UNREACHABLE',
    message: 'Redis at REDIS_URL does not answer',
    cause: { message: expect.stringContaining('ECONNREFUSED') },
  });
  expect(await readdir(dataDir)).toEqual([]);
});
