import { expect, test } from 'vitest';
import { csvText } from '../../../src/cli/commands/statement-csv.ts';

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['a-b@c=d', 'a-b@c=d'],
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  [' =1', `"' =1"`],
  ['\t=1', `"'\t=1"`],
  ['\r\n=1', `"'\r\n=1"`],
  ['＝1', "'＝1"],
  ['say "hi"', '"say ""hi"""'],
  ['a,b', '"a,b"'],
])('the cell %j is written %j', (text, cell) => {
  expect(csvText(text)).toBe(cell);
});
