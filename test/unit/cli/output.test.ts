import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { jsonText, moneyFields } from '../../../src/cli/output/json.ts';
import { createOutput } from '../../../src/cli/output/output.ts';
import { facts, table } from '../../../src/cli/output/table.ts';

class Pipe extends EventEmitter {
  readonly written: string[] = [];
  write(data: string | Uint8Array): boolean {
    this.written.push(String(data));
    return true;
  }
}

test('a table is aligned by what a terminal shows', () => {
  const rows = [
    { name: 'acme', amount: '$5.00' },
    { name: '東京', amount: '$1,204.60' },
  ];
  const columns = [
    { head: 'NAME', cell: ({ name }: (typeof rows)[number]) => name },
    { head: 'AMOUNT', align: 'right', cell: ({ amount }: (typeof rows)[number]) => amount },
  ] as const;
  expect(table(columns, rows)).toBe('NAME     AMOUNT\nacme      $5.00\n東京  $1,204.60');
});

test('names in a table cannot act on a terminal or break its rows', () => {
  const text = table([{ head: 'NAME', cell: (name: string) => name }], ['a\u001b[2J\u202eb\nc\u009b31m']);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be left but the one line break.
  expect(text.replace('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});

test('facts leave out what there is not', () => {
  expect(
    facts([
      ['Balance', '$1.00'],
      ['Held', undefined],
      ['Lane', '3'],
    ]),
  ).toBe('Balance  $1.00\nLane     3');
});

test('JSON keeps every digit of money and cannot act on a terminal', () => {
  const text = jsonText({ ...moneyFields('balance', -9_223_372_036_854_775_807n), name: '\u009b31m\u202e\u001b' });
  expect(JSON.parse(text)).toEqual({
    balance: '-9223372036.854775807',
    balanceNanos: '-9223372036854775807',
    name: '\u009b31m\u202e\u001b',
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: only line breaks between fields may be left.
  expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});

test('a reader that has seen enough does not end the command', () => {
  const [stdout, stderr] = [new Pipe(), new Pipe()];
  const output = createOutput(stdout, stderr);
  output.data('one');
  stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  output.data('two');
  output.note('done');
  expect([stdout.written, stderr.written]).toEqual([['one\n'], ['done\n']]);
});

test('any other failure to write is not hidden', () => {
  const stdout = new Pipe();
  createOutput(stdout, new Pipe());
  expect(() => stdout.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toThrow('no space');
});
