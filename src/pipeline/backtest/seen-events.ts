import { type EventDetails, eventDetails } from '../../domain/features/event-details.ts';
import type { HistoryEvent } from './history-event.ts';

const SLOTS_MIN = 1 << 12;
const LOAD_MAX = 0.6;

/** Sixteen bytes a slot: two generations of this many cost about 130 MB at most. */
const GENERATION_MAX = 2_000_000;

const FNV_PRIME = 0x01000193;

/** Words of a slot: two of the identity, one of the content, one unused, so that no slot straddles two lines of cache. */
const WORDS = 4;

/** One generation: open addressing over a typed array, because a Set of millions of texts costs twenty times the memory. */
class Generation {
  #words = new Uint32Array(SLOTS_MIN * WORDS);
  #slots = SLOTS_MIN;
  size = 0;

  /** The content hash stored under an identity; −1 when there is none. */
  find(first: number, second: number): number {
    const words = this.#words;
    const mask = this.#slots - 1;
    for (let slot = first & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS;
      const stored = words[at + 1];
      if (stored === 0) return -1;
      if (stored === second && words[at] === first) return words[at + 2] ?? -1;
    }
  }

  add(first: number, second: number, content: number): void {
    if (this.size >= this.#slots * LOAD_MAX) this.#grow();
    this.#put(first, second, content);
    this.size++;
  }

  #put(first: number, second: number, content: number): void {
    const words = this.#words;
    const mask = this.#slots - 1;
    let slot = first & mask;
    while (words[slot * WORDS + 1] !== 0) slot = (slot + 1) & mask;
    words[slot * WORDS] = first;
    words[slot * WORDS + 1] = second;
    words[slot * WORDS + 2] = content;
  }

  #grow(): void {
    const [words, slots] = [this.#words, this.#slots];
    this.#slots = slots * 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let at = 0; at < words.length; at += WORDS) {
      const kept = words[at + 1] ?? 0;
      if (kept !== 0) this.#put(words[at] ?? 0, kept, words[at + 2] ?? 0);
    }
  }
}

/**
 * Tells retries and altered copies from new events, as a lane does, without the lane's database: the newest two to four
 * million identities are remembered. Hashes of 63 bits and no SHA-256, because nothing is charged by them and a backtest
 * reads half a million events a second.
 */
export class SeenEvents {
  #young = new Generation();
  #old = new Generation();
  readonly #generationMax: number;

  constructor(generationMax = GENERATION_MAX) {
    this.#generationMax = generationMax;
  }

  /** What this event is to those before it; remembers it. `details` are its own: their hashes need not be made twice. */
  judge(event: HistoryEvent, details = eventDetails(event)): 'new' | 'duplicate' | 'altered' {
    hashIdentity(event, details);
    const { first, second } = identity;
    const content = contentHash(event, details);
    const known = this.#find(first, second);
    if (known === -1) {
      this.#add(first, second, content);
      return 'new';
    }
    if (known === content) return 'duplicate';
    // A copy claims a place of its own, so that a retry of the copy is a duplicate too.
    const copyFirst = mix(first ^ content);
    const copySecond = (mix(second ^ Math.imul(content, FNV_PRIME)) | 1) >>> 0;
    if (this.#find(copyFirst, copySecond) !== -1) return 'duplicate';
    this.#add(copyFirst, copySecond, content);
    return 'altered';
  }

  #find(first: number, second: number): number {
    const young = this.#young.find(first, second);
    return young === -1 && this.#old.size > 0 ? this.#old.find(first, second) : young;
  }

  #add(first: number, second: number, content: number): void {
    if (this.#young.size >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Generation();
    }
    this.#young.add(first, second, content);
  }
}

// Two words by one pass over the text, without an object per event.
const identity = { first: 0, second: 0 };

function hashIdentity({ id }: HistoryEvent, { source }: EventDetails): void {
  let first = 0x811c9dc5 ^ source;
  let second = mix(source ^ 0x9747b28c);
  for (let index = 0; index < id.length; index++) {
    const code = id.charCodeAt(index);
    first = Math.imul(first ^ code, FNV_PRIME);
    second = Math.imul(second ^ (second >>> 15) ^ code, 0x85ebca6b);
  }
  identity.first = mix(first);
  // Never zero: zero marks an empty slot.
  identity.second = (mix(second) | 1) >>> 0;
}

/** Everything the event says besides who it is; its arrival is transport, and an honest retry may change it. */
function contentHash(event: HistoryEvent, details: EventDetails): number {
  let hash = hashText(event.account, 0x811c9dc5);
  hash = hashText(event.meter, hash);
  hash = hashNumber(event.quantity, hash);
  hash = hashNumber(event.occurredAtMs, hash);
  if (event.sequence !== undefined) hash = hashNumber(event.sequence, hash);
  const { properties } = event;
  if (properties === undefined) return hash >>> 0;
  // A sum, because the order of properties says nothing.
  let sum = 0;
  for (const name in properties) {
    if (name === 'received_at') continue;
    const value = properties[name];
    const known = typeof value === 'string' ? hashIn(details, name) : 0;
    const own = known === 0 ? hashText(typeof value === 'string' ? value : JSON.stringify(value), 0x811c9dc5) : known;
    sum = (sum + mix(own ^ hashOfName(name))) | 0;
  }
  return mix(hash ^ sum);
}

/** The hash the details hold of a property; 0 when they hold none. */
function hashIn(details: EventDetails, name: string): number {
  switch (name) {
    case 'region':
      return details.region;
    case 'key':
      return details.key;
    case 'feature':
      return details.feature;
    case 'device':
      return details.device;
    case 'card':
      return details.card;
    case 'email_domain':
      return details.emailDomain;
    default:
      return 0;
  }
}

const names = new Map<string, number>();
/** Senders choose names, so only so many are remembered. */
const NAMES_MAX = 1_000;

function hashOfName(name: string): number {
  const known = names.get(name);
  if (known !== undefined) return known;
  const hash = mix(hashText(name, 0x5bd1e995));
  if (names.size < NAMES_MAX) names.set(name, hash);
  return hash;
}

function hashText(text: string, seed: number): number {
  let hash = seed ^ text.length;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return hash;
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

function hashNumber(value: number, seed: number): number {
  double[0] = value;
  return Math.imul(Math.imul(seed ^ (words[0] ?? 0), FNV_PRIME) ^ (words[1] ?? 0), 0x85ebca6b);
}

/** Spreads every bit over the word (the finalizer of MurmurHash3); unsigned. */
function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
