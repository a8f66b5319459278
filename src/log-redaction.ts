import { cleanText } from './domain/text/clean.ts';
import { type JsonObject, parseJsonObject } from './json-object.ts';

const HIDDEN = '[secret]';

// Applied to a finished JSON line, so nothing escapes by being nested, inside an error's text, or in its cause. No
// pattern reaches over a quote or a backslash, so a line stays valid JSON.
const BY_KEY =
  /"([^"\\]*(?:password|passwd|secret|authorization|api_?-?key|access_?token|connectionstring|databaseurl|redisurl|database_url|redis_url))":"(?:[^"\\]|\\.)*"/gi;
const IN_TEXT: readonly (readonly [RegExp, string])[] = [
  // The user and password of any address: postgres://user:password@host
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s"\\/@]*:[^\s"\\/]*@/gi, `$1${HIDDEN}@`],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${HIDDEN}`],
  // Stripe's and OpenAI's keys: sk_live_…, rk_test_…, whsec_…, sk-proj-…
  [/\b(?:sk|rk|pk|whsec)[_-][A-Za-z0-9_-]{8,}/g, HIDDEN],
  // Our own, but for the id that names it.
  [/\b(tk_live_[0-9a-z]{12})_[0-9a-z]{8,}/g, `$1_${HIDDEN}`],
  [/\b(password|passwd|api_?key)=[^\s"\\&]+/gi, `$1=${HIDDEN}`],
];

/** A log line without the secrets in it. */
export function redact(line: string): string {
  let text = line.replace(BY_KEY, `"$1":"${HIDDEN}"`);
  for (const [pattern, replacement] of IN_TEXT) text = text.replace(pattern, replacement);
  return text;
}

/**
 * The same JSON line with every text made safe for a terminal: customers choose ids and properties, and must not be
 * able to forge log lines or move the cursor. Only an error's stack keeps its line breaks.
 */
export function hardenJson(line: string): string {
  const parsed = parseJsonObject(line);
  return parsed === undefined ? cleanText(line) : `${JSON.stringify(hardenObject(parsed))}\n`;
}

function hardenObject(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [cleanText(key), key === 'stack' ? hardenStack(item) : harden(item)]),
  );
}

function harden(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(harden);
  if (typeof value === 'object' && value !== null) return hardenObject(Object.fromEntries(Object.entries(value)));
  return value;
}

function hardenStack(value: unknown): unknown {
  return typeof value === 'string' ? value.split('\n').map(cleanText).join('\n') : harden(value);
}
