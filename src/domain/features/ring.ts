import { copySlots, packSlots, readSlot, slotWidth, writeSlot } from './packed-slots.ts';

/**
 * A bounded series of sums by bucket number. Slots are addressed by `bucket mod capacity`, so adding is O(1) and a late
 * amount corrects its own bucket. Every sum is kept exactly, however it is kept: a state that was stored and loaded
 * holds the same numbers as one that stayed in memory.
 *
 * A short ring is a plain array of doubles: a typed array costs about 200 bytes before its first value, more than the
 * whole ring of a small account. A long one is packed into as many bytes a slot as its largest sum needs, because four
 * weeks of hours as doubles are 5.6 KB a feature, and most of that is zeros.
 */
export interface Ring {
  /** Newest bucket that was written. */
  head: number;
  /** Oldest bucket that is kept; anything below reads as zero. */
  tail: number;
  /** Slots there are; at least the buckets from `tail` to `head`. */
  capacity: number;
  /** The sums of a short ring; empty when they are packed. */
  slots: number[];
  /** The sums of a long ring, `width` bytes each; null while it is short. */
  packed: Uint8Array | null;
  /** Bytes per packed slot; 0 while there are none. */
  width: number;
}

const SLOTS_MIN = 4;
const PLAIN_SLOTS_MAX = 32;
const NO_SLOTS: number[] = [];

/** A ring whose first bucket is `bucket`. */
export function createRing(bucket: number): Ring {
  return { head: bucket, tail: bucket, capacity: SLOTS_MIN, slots: zeros(SLOTS_MIN), packed: null, width: 0 };
}

/** A ring of known sums, the first of which is that of bucket `tail`; at least one. */
export function ringOf(tail: number, sums: readonly number[]): Ring {
  const head = tail + sums.length - 1;
  const capacity = Math.max(SLOTS_MIN, sums.length);
  const ring: Ring = { head, tail, capacity, slots: NO_SLOTS, packed: null, width: 0 };
  const slots = zeros(capacity);
  for (let offset = 0; offset < sums.length; offset++) slots[(tail + offset) % capacity] = sums[offset] ?? 0;
  keep(ring, slots);
  return ring;
}

/** The sum in a bucket; zero outside what is kept. */
export function ringAt(ring: Ring, bucket: number): number {
  if (bucket > ring.head || bucket < ring.tail) return 0;
  return slotAt(ring, bucket % ring.capacity);
}

/** Adds to a bucket, keeping at most `bucketsMax` of the newest. Amounts for buckets that fell out are ignored. */
export function ringAdd(ring: Ring, bucket: number, amount: number, bucketsMax: number): void {
  if (bucket > ring.head) advance(ring, bucket, bucketsMax);
  else if (bucket < ring.tail && !extendBack(ring, bucket, bucketsMax)) return;
  const slot = bucket % ring.capacity;
  setSlot(ring, slot, slotAt(ring, slot) + amount);
}

/** Sum of `count` buckets that end with `last`, oldest first: one fixed order, so that sums replay to the bit. */
export function ringSum(ring: Ring, last: number, count: number): number {
  let sum = 0;
  for (let bucket = Math.max(last - count + 1, ring.tail); bucket <= last; bucket++) sum += ringAt(ring, bucket);
  return sum;
}

/** Writes the sums of the buckets from `first` on over those of `into`; what the ring does not keep is left as it is. */
export function ringCopy(ring: Ring, first: number, into: number[]): void {
  const last = Math.min(into.length - 1, ring.head - first);
  let index = Math.max(0, ring.tail - first);
  // One division for all: this is read for every rule that an hour's first event touches.
  let slot = (first + index) % ring.capacity;
  while (index <= last) {
    const count = Math.min(last - index + 1, ring.capacity - slot);
    if (ring.packed !== null) copySlots({ packed: ring.packed, width: ring.width }, slot, count, into, index);
    else for (let step = 0; step < count; step++) into[index + step] = ring.slots[slot + step] ?? 0;
    index += count;
    slot = 0;
  }
}

function slotAt(ring: Ring, slot: number): number {
  return ring.packed === null ? (ring.slots[slot] ?? 0) : readSlot(ring.packed, slot, ring.width);
}

function setSlot(ring: Ring, slot: number, sum: number): void {
  if (ring.packed === null) {
    ring.slots[slot] = sum;
    return;
  }
  if (slotWidth(sum) > ring.width) {
    // Happens at most seven times: a slot has at most eight bytes.
    const slots = unpacked(ring);
    slots[slot] = sum;
    keep(ring, slots);
  } else writeSlot(ring.packed, slot, ring.width, sum);
}

// Zeros from a slot on, past the end to the beginning. All bits zero are zero in every width.
function clearSlots(ring: Ring, from: number, count: number): void {
  const { packed, slots, width, capacity } = ring;
  let slot = from;
  for (let left = count; left > 0; left--) {
    if (packed === null) slots[slot] = 0;
    else for (let at = slot * width; at < (slot + 1) * width; at++) packed[at] = 0;
    slot = slot + 1 === capacity ? 0 : slot + 1;
  }
}

function advance(ring: Ring, bucket: number, bucketsMax: number): void {
  if (bucket - ring.head >= bucketsMax) {
    // Everything kept so far is out of reach. The array stays small: a sparse account must not pay for its silence.
    Object.assign(ring, createRing(bucket));
    return;
  }
  ring.tail = Math.max(ring.tail, bucket - bucketsMax + 1);
  if (bucket - ring.tail >= ring.capacity) grow(ring, bucket - ring.tail + 1, bucketsMax);
  clearSlots(ring, (ring.head + 1) % ring.capacity, bucket - ring.head);
  ring.head = bucket;
}

function extendBack(ring: Ring, bucket: number, bucketsMax: number): boolean {
  const span = ring.head - bucket + 1;
  if (span > bucketsMax) return false;
  if (span > ring.capacity) grow(ring, span, bucketsMax);
  // Slots below the tail may hold sums of buckets long gone.
  clearSlots(ring, bucket % ring.capacity, ring.tail - bucket);
  ring.tail = bucket;
  return true;
}

// Half as much again, and never more than will be kept: a full ring has a slot for each bucket and none beside them.
function grow(ring: Ring, span: number, bucketsMax: number): void {
  const capacity = Math.max(span, Math.min(bucketsMax, Math.ceil(ring.capacity * 1.5)));
  const slots = zeros(capacity);
  for (let bucket = ring.tail; bucket <= ring.head; bucket++) slots[bucket % capacity] = ringAt(ring, bucket);
  ring.capacity = capacity;
  keep(ring, slots);
}

function keep(ring: Ring, slots: number[]): void {
  if (slots.length <= PLAIN_SLOTS_MAX) {
    ring.slots = slots;
    return;
  }
  let width = Math.max(1, ring.width);
  for (const sum of slots) width = Math.max(width, slotWidth(sum));
  ring.packed = packSlots(slots, width);
  ring.width = width;
  ring.slots = NO_SLOTS;
}

function unpacked(ring: Ring): number[] {
  const slots = zeros(ring.capacity);
  for (let slot = 0; slot < slots.length; slot++) slots[slot] = slotAt(ring, slot);
  return slots;
}

function zeros(length: number): number[] {
  // Not grown by push, which would reserve four times the room.
  return new Array<number>(length).fill(0);
}
