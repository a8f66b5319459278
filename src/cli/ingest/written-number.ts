import { jsonFields } from '../../domain/text/json-fields.ts';

/** A JSON number beyond what a double holds, as it is written in the file. */
export class WrittenNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  /** Inside properties, where nothing is computed, its digits are kept as text rather than lost as null. */
  toJSON(): string {
    return this.source;
  }
}

export function isWrittenNumber(value: unknown): value is WrittenNumber {
  return value instanceof WrittenNumber;
}

/** Puts the written form in the place of every field that `JSON.parse` has made infinite. */
export function keepWrittenNumbers(raw: unknown, text: string): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw;
  if (!Object.values(raw).some(isInfinite)) return raw;
  const written = jsonFields(text);
  const fields = Object.entries(raw).map(([name, value]: readonly [string, unknown]) => {
    const source = isInfinite(value) ? written.get(name) : undefined;
    return [name, source === undefined ? value : new WrittenNumber(source)] as const;
  });
  return Object.fromEntries(fields);
}

function isInfinite(value: unknown): boolean {
  return value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;
}
