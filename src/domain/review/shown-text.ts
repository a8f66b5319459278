import { cleanText } from '../text/clean.ts';

/** What stands where a text was taken out for the second reading. */
export const MASK = '[masked]';

const SHOWN_MAX = 120;
/** No name of ours is longer; more is not looked at. */
const READ_MAX = 2_000;

const PERSONAL: readonly (readonly [RegExp, string])[] = [
  [/[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}.-]{1,253}/gu, '[address]'],
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/\S+/giu, '[link]'],
  [/\b(?:sk|rk|pk|tk|whsec|ghp|xox[a-z]|key|token|bearer)[-_ ][\w.+/=-]{4,}/giu, '[secret]'],
  [/\b(?:\d{1,3}\.){3}\d{1,3}\b/gu, '[network]'],
  [/\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\b/giu, '[network]'],
  [/[\p{N}][\p{N} .()-]{6,}[\p{N}]/gu, '[number]'],
  [/[\w+/=-]{20,}/gu, '[code]'],
];

/**
 * Text that somebody else has written, as a model may see it: on one line, cut to 120 characters, without invisible
 * characters, and with names, addresses, keys and long numbers replaced. `names` are those of the account and its tenant.
 */
export function shownText(text: string, names: readonly string[]): string {
  let shown = text.slice(0, READ_MAX).normalize('NFKC');
  shown = cleanText(shown).replaceAll('\ufffd', '');
  for (const name of names) shown = withoutName(shown, name);
  for (const [pattern, replacement] of PERSONAL) shown = shown.replace(pattern, replacement);
  const characters = Array.from(shown.replace(/\s+/gu, ' ').trim());
  return characters.length <= SHOWN_MAX ? characters.join('') : `${characters.slice(0, SHOWN_MAX - 1).join('')}…`;
}

function withoutName(text: string, name: string): string {
  const plain = cleanText(name.normalize('NFKC')).replaceAll('\ufffd', '').trim();
  if (plain.length < 2) return text;
  const escaped = plain.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(escaped, 'giu'), '[account]');
}

// Not what keeps a review safe (the bounds and the masked twin are), but the plain attempts need cost no call.
const ORDERS: readonly RegExp[] = [
  /ignor\w* (?:\w+ ){0,4}(?:instruction|prompt|rule|above|previous)/iu,
  /(?:disregard|forget|override) (?:\w+ ){0,4}(?:instruction|prompt|rule|everything)/iu,
  /\b(?:system|assistant|developer) ?(?:prompt|message|:)/iu,
  /likely_(?:benign|abuse)|"?verdict"?\s*[:=]/iu,
  /\b(?:thaw|unfreeze) (?:the|this|my|all|every)\b/iu,
  /ignorier\w* (?:\w+ ){0,4}(?:anweisung|regel)/iu,
  /ignor\w* (?:\w+ ){0,4}(?:instruc|consign|istruzion|instruç)/iu,
  /игнорир\S* (?:\S+ ){0,4}(?:инструкц|указан)/iu,
  /忽略.{0,8}(?:指令|指示|说明)|無視.{0,8}(?:指示|命令)|指示.{0,6}無視/u,
  /تجاهل.{0,12}(?:تعليمات|التعليمات)/u,
];

/** Whether a text plainly gives orders to a reader, also when it is hidden by zero-width characters or base64. */
export function givesOrders(text: string): boolean {
  const read = text.slice(0, READ_MAX);
  const flat = cleanText(read.normalize('NFKC')).replaceAll('\ufffd', '');
  const spaced = flat.replace(/[_\-.]+/gu, ' ');
  if ([flat, spaced].some((form) => ORDERS.some((order) => order.test(form)))) return true;
  for (const [chunk] of flat.matchAll(/[A-Za-z0-9+/]{16,}={0,2}/g)) {
    const decoded = Buffer.from(chunk, 'base64').toString('utf8');
    if (ORDERS.some((order) => order.test(decoded))) return true;
  }
  return false;
}
