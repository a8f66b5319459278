/**
 * A bounded series of sums by bucket number. Slots are addressed by `bucket & (length − 1)`, so adding is O(1) and a
 * late amount corrects its own bucket. Plain arrays of doubles: a typed array costs about 200 bytes before its first
 * value, more than the whole ring of a small account.
 */
export interface Ring {
  /** Newest bucket that was written. */
  head: number;
  /** Oldest bucket that is kept; anything below reads as zero. */
  tail: number;
  /** Length is a power of two. */
  slots: number[];
}

const SLOTS_MIN = 4;

/** A ring whose first bucket is `bucket`. */
export function createRing(bucket: number): Ring {
  return { head: bucket, tail: bucket, slots: zeros(SLOTS_MIN) };
}

/** The sum in a bucket; zero outside what is kept. */
export function ringAt(ring: Ring, bucket: number): number {
  if (bucket > ring.head || bucket < ring.tail) return 0;
  return ring.slots[bucket & (ring.slots.length - 1)] ?? 0;
}

/** Adds to a bucket, keeping at most `bucketsMax` of the newest. Amounts for buckets that fell out are ignored. */
export function ringAdd(ring: Ring, bucket: number, amount: number, bucketsMax: number): void {
  if (bucket > ring.head) advance(ring, bucket, bucketsMax);
  else if (bucket < ring.tail && !extendBack(ring, bucket, bucketsMax)) return;
  const index = bucket & (ring.slots.length - 1);
  ring.slots[index] = (ring.slots[index] ?? 0) + amount;
}

/** Sum of `count` buckets that end with `last`, oldest first: one fixed order, so that sums replay to the bit. */
export function ringSum(ring: Ring, last: number, count: number): number {
  let sum = 0;
  for (let bucket = Math.max(last - count + 1, ring.tail); bucket <= last; bucket++) sum += ringAt(ring, bucket);
  return sum;
}

function advance(ring: Ring, bucket: number, bucketsMax: number): void {
  if (bucket - ring.head >= bucketsMax) {
    // Everything kept so far is out of reach. The array stays small: a sparse account must not pay for its silence.
    ring.slots = zeros(SLOTS_MIN);
    ring.tail = bucket;
    ring.head = bucket;
    return;
  }
  ring.tail = Math.max(ring.tail, bucket - bucketsMax + 1);
  if (bucket - ring.tail >= ring.slots.length) grow(ring, bucket - ring.tail + 1);
  const mask = ring.slots.length - 1;
  for (let fresh = ring.head + 1; fresh <= bucket; fresh++) ring.slots[fresh & mask] = 0;
  ring.head = bucket;
}

function extendBack(ring: Ring, bucket: number, bucketsMax: number): boolean {
  const span = ring.head - bucket + 1;
  if (span > bucketsMax) return false;
  if (span > ring.slots.length) grow(ring, span);
  const mask = ring.slots.length - 1;
  // Slots below the tail may hold sums of buckets long gone.
  for (let old = bucket; old < ring.tail; old++) ring.slots[old & mask] = 0;
  ring.tail = bucket;
  return true;
}

function grow(ring: Ring, span: number): void {
  let length = ring.slots.length;
  while (length < span) length *= 2;
  const slots = zeros(length);
  const oldMask = ring.slots.length - 1;
  for (let bucket = ring.tail; bucket <= ring.head; bucket++) {
    slots[bucket & (length - 1)] = ring.slots[bucket & oldMask] ?? 0;
  }
  ring.slots = slots;
}

function zeros(length: number): number[] {
  // Not grown by push, which would reserve four times the room.
  return new Array<number>(length).fill(0);
}
