const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const PREFIX = 'tk_live_';
const ID_CHARACTERS = 12;
/** 256 bits in base 32. */
const SECRET_CHARACTERS = 52;
const KEY_TEXT = new RegExp(`^${PREFIX}([${ALPHABET}]{${ID_CHARACTERS}})_([${ALPHABET}]{${SECRET_CHARACTERS}})$`);

/** Random bytes that a new key is made of: 8 for its id, 32 for its secret. */
export const KEY_BYTES = 40;

/** The two parts of a key: its id, which may be shown, and its secret. */
export interface KeyParts {
  readonly keyId: string;
  readonly secret: string;
}

/** The parts of a new key, from `KEY_BYTES` random bytes. */
export function keyPartsOf(random: Uint8Array): KeyParts {
  if (random.length !== KEY_BYTES) throw new RangeError(`a key is made of ${KEY_BYTES} bytes`);
  return { keyId: base32(random.subarray(0, 8)).slice(0, ID_CHARACTERS), secret: base32(random.subarray(8)) };
}

/** A key as its owner sends it: `tk_live_ID_SECRET`. */
export function formatKey({ keyId, secret }: KeyParts): string {
  return `${PREFIX}${keyId}_${secret}`;
}

/** The parts of a key that was sent, or undefined when the text is none. */
export function parseKey(text: string): KeyParts | undefined {
  const [, keyId, secret] = KEY_TEXT.exec(text) ?? [];
  return keyId === undefined || secret === undefined ? undefined : { keyId, secret };
}

/** Whether a text is the id of a key. */
export function isKeyId(text: string): boolean {
  return text.length === ID_CHARACTERS && [...text].every((character) => ALPHABET.includes(character));
}

function base32(bytes: Uint8Array): string {
  let [text, bits, value] = ['', 0, 0];
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET.charAt((value >> (bits - 5)) & 31);
    value &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET.charAt((value << (5 - bits)) & 31);
}
