import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countLines } from '../../../../src/cli/ingest/count-lines.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

test.each([
  ['empty lines are no events', 'a.ndjson', '{}\n\n{}\r\n\r\n \n{}\n', 3],
  ['a last line needs no line break', 'a.ndjson', '{}\n{}', 2],
  ['the header of a table is no event', 'a.csv', 'id,source\na,b\nc,d\n', 2],
  ['an empty file has none', 'a.csv', '', 0],
])('%s', async (_what, name, text, lines) => {
  const path = join(await temporaryDirectory(), name);
  writeFileSync(path, text);
  expect(await countLines(path)).toBe(lines);
});
