import { AppError } from '../../errors.ts';
import { HTTP_LIMITS } from '../server/limits.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const BRACE_END = 0x7d;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
const COLON = 0x3a;

/** The text of a body; `BODY_NOT_JSON` when it is not UTF-8. */
export function bodyText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw new AppError('BODY_NOT_JSON', 'The body is not UTF-8.', { cause });
  }
}

/**
 * The value of a JSON body. Beyond what JSON.parse refuses: more levels than `depthMax`, a field that stands twice in its
 * object (readers differ on which of the two counts), `__proto__`, NUL, and halves of surrogate pairs.
 */
export function readJsonBody(bytes: Uint8Array): unknown {
  const text = bodyText(bytes);
  checkDepth(text);
  const value = parseJson(text);
  checkFields(text);
  // Escapes alone can bring them in; most bodies have none and are not walked.
  if (/\\u(?:0000|d[89a-f])/i.test(text)) refuseUnstorable(value);
  return value;
}

/**
 * PostgreSQL holds neither NUL nor half a surrogate pair: better said here than by an error of the database. A half would
 * even be written, as another character in one place than in the next, and the books would no longer fit their hashes.
 */
function refuseUnstorable(value: unknown): void {
  if (typeof value === 'string') {
    if (value.includes('\u0000')) throw new AppError('BODY_NOT_JSON', 'The body holds a NUL character.');
    if (!value.isWellFormed()) throw new AppError('BODY_NOT_JSON', 'The body holds half of a surrogate pair.');
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      refuseUnstorable(name);
      refuseUnstorable(inner);
    }
  }
}

/** JSON.parse with our error; the position it names is kept, the text is not repeated. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const at = cause instanceof Error ? /at position \d+/.exec(cause.message)?.[0] : undefined;
    const where = at ?? (text.trim() === '' ? 'because it is empty' : 'before its end');
    throw new AppError('BODY_NOT_JSON', `The body stops being JSON ${where}.`, { cause });
  }
}

/** Throws when a text nests deeper than allowed. Made for large bodies: one pass, nothing is built. */
export function checkDepth(text: string, depthMax: number = HTTP_LIMITS.depthMax): void {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) index = endOfText(text, index);
    else if (code === BRACE || code === BRACKET) {
      if (++depth > depthMax)
        throw new AppError('BODY_NOT_JSON', `The body nests more than ${depthMax} levels at position ${index}.`);
    } else if (code === BRACE_END || code === BRACKET_END) depth--;
  }
}

/** Throws when an object holds a field twice, or `__proto__`. The text is valid JSON. */
function checkFields(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === BRACE) open.push(new Set());
    else if (code === BRACKET) open.push(undefined);
    else if (code === BRACE_END || code === BRACKET_END) open.pop();
    else if (code === QUOTE) {
      const end = endOfText(text, index);
      const fields = open.at(-1);
      if (fields !== undefined && isField(text, end)) {
        const name: unknown = JSON.parse(text.slice(index, end + 1));
        if (typeof name !== 'string' || name === '__proto__')
          throw new AppError('BODY_NOT_JSON', 'The body holds a field "__proto__".');
        if (fields.has(name))
          throw new AppError('BODY_NOT_JSON', `The body holds the field ${JSON.stringify(name.slice(0, 80))} twice.`);
        fields.add(name);
      }
      index = end;
    }
  }
}

/** Position of the quote that ends the text which begins at `start`; the end of all when none does. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

/** Whether what ended here is the name of a field: a colon follows. */
function isField(text: string, end: number): boolean {
  for (let index = end + 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x20) return code === COLON;
  }
  return false;
}
