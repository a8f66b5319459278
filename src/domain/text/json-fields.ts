const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * The fields of a JSON object as they are written: `1e400` stays `1e400`, where `JSON.parse` knows only Infinity. Reads
 * as far as the text makes sense, so a line that was cut off still gives the fields before the cut. Fields that hold
 * objects or arrays are left out, and so is a last value whose end cannot be seen.
 */
export function jsonFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let depth = 0;
  let key: string | undefined;
  let previous = 0;
  for (let index = 0; index < text.length; ) {
    const code = text.charCodeAt(index);
    if (isSpace(code)) {
      index++;
      continue;
    }
    const end = endOfToken(text, index, code);
    if (end === undefined) break;
    if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) depth--;
    else if (depth === 1 && code === QUOTE && previous !== COLON) key = textOf(text.slice(index, end));
    else if (depth === 1 && previous === COLON && key !== undefined) fields.set(key, text.slice(index, end));
    if (depth === 1 && code === COMMA) key = undefined;
    previous = code;
    index = end;
  }
  return fields;
}

/** The text that a JSON string stands for; undefined when it is none. */
export function textOf(source: string | undefined): string | undefined {
  if (source === undefined || !source.startsWith('"')) return undefined;
  try {
    return String(JSON.parse(source));
  } catch {
    // A string with a line break or a broken escape in it names nothing that could be looked up.
    return undefined;
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Where the token that begins here ends; undefined when the text ends first. */
function endOfToken(text: string, start: number, first: number): number | undefined {
  if (first === QUOTE) return endOfString(text, start);
  if (isPunctuation(first)) return start + 1;
  let index = start + 1;
  for (; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE || isSpace(code) || isPunctuation(code)) return index;
  }
  return undefined;
}

function endOfString(text: string, start: number): number | undefined {
  for (let index = start + 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === BACKSLASH) index++;
    else if (code === QUOTE) return index + 1;
  }
  return undefined;
}

function isPunctuation(code: number): boolean {
  return code === COLON || code === COMMA || code === 0x7b || code === 0x7d || code === 0x5b || code === 0x5d;
}
