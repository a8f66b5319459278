import { printable } from '../../domain/events/parse-event.ts';
import { AppError } from '../../errors.ts';
import { openInput } from '../ingest/open-input.ts';
import { payerLineSchema, type SecretPayer } from './payer.ts';

const PROBLEMS_SHOWN = 10;

/**
 * Reads payers from NDJSON, also `.gz`, `-` for standard input. A file with one wrong line is refused whole, with the line,
 * field and value of each: a comparison of fewer payers than were meant would mislead.
 */
export async function readPayers(path: string): Promise<readonly SecretPayer[]> {
  const input = await openInput(path);
  const payers: SecretPayer[] = [];
  const problems: string[] = [];
  const seen = new Map<string, number>();
  let line = 0;
  const take = (text: string) => {
    line += 1;
    if (text.trim() === '') return;
    const read = readLine(text);
    if (typeof read === 'string') {
      problems.push(`line ${line}: ${read}`);
      return;
    }
    const { payer } = read.payer;
    const before = seen.get(payer);
    if (before !== undefined) problems.push(`line ${line}: payer ${printable(payer)} stands on line ${before} already`);
    seen.set(payer, before ?? line);
    payers.push(read);
  };
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of input.chunks) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(take);
  }
  take(rest + decoder.decode());
  if (problems.length > 0) {
    const shown = problems.slice(0, PROBLEMS_SHOWN);
    const more = problems.length > shown.length ? [`and ${problems.length - shown.length} more`] : [];
    throw new AppError('PAYERS_INVALID', `${input.name}: ${[...shown, ...more].join('; ')}.`);
  }
  if (payers.length === 0) throw new AppError('PAYERS_INVALID', `${input.name} holds no payer.`);
  return payers;
}

function readLine(text: string): SecretPayer | string {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return `no JSON: ${printable(text.slice(0, 60))}`;
  }
  const parsed = payerLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path ?? [];
  const field = path.length === 0 ? '(line)' : path.join('.');
  const found = valueAt(value, path);
  // A list of 168 numbers would bury the message.
  const shown = Array.isArray(found) ? `a list of ${found.length}` : printable(found);
  return `${field}: ${shown} – ${issue?.message ?? 'not understood'}`;
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const key of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return value;
}
