/*
 * Sums in as few bytes as the largest of them needs: whole numbers from 0 to 2^53 − 1 in one to seven bytes, little end
 * first, and everything else as a double in eight. Either way the number comes back as it was, to the bit.
 */

const DOUBLE_BYTES = 8;
const BYTE = 256;

// One shared scratch pad: a view of its own would cost each ring more than it saves.
const asDouble = new Float64Array(1);
const asBytes = new Uint8Array(asDouble.buffer);

/** Bytes a slot must have to hold this sum. */
export function slotWidth(sum: number): number {
  // A negative zero is written as a double, so that it comes back with its sign.
  if (!Number.isSafeInteger(sum) || sum < 0 || Object.is(sum, -0)) return DOUBLE_BYTES;
  let width = 1;
  for (let bound = BYTE; sum >= bound; bound *= BYTE) width++;
  return width;
}

/** Packs sums, `width` bytes each; the width must fit the largest. */
export function packSlots(sums: readonly number[], width: number): Uint8Array {
  const packed = new Uint8Array(sums.length * width);
  for (let slot = 0; slot < sums.length; slot++) writeSlot(packed, slot, width, sums[slot] ?? 0);
  return packed;
}

/** The sum of a slot. */
export function readSlot(packed: Uint8Array, slot: number, width: number): number {
  const at = slot * width;
  if (width === DOUBLE_BYTES) {
    for (let index = 0; index < DOUBLE_BYTES; index++) asBytes[index] = packed[at + index] ?? 0;
    return asDouble[0] ?? 0;
  }
  let sum = 0;
  for (let index = at + width - 1; index >= at; index--) sum = sum * BYTE + (packed[index] ?? 0);
  return sum;
}

/** Writes the sums of `count` slots from `slot` on over those of `into` from `index` on. */
export function copySlots(
  { packed, width }: { readonly packed: Uint8Array; readonly width: number },
  slot: number,
  count: number,
  into: number[],
  index: number,
): void {
  if (width === DOUBLE_BYTES) {
    for (let step = 0; step < count; step++) into[index + step] = readSlot(packed, slot + step, width);
    return;
  }
  let at = slot * width;
  for (let step = 0; step < count; step++, at += width) {
    // The lower three bytes are a small integer; most slots are zero.
    let sum = packed[at] ?? 0;
    if (width > 1) sum |= (packed[at + 1] ?? 0) << 8;
    if (width > 2) sum |= (packed[at + 2] ?? 0) << 16;
    if (width > 3) {
      let upper = packed[at + 3] ?? 0;
      if (width > 4) upper |= (packed[at + 4] ?? 0) << 8;
      if (width > 5) upper |= (packed[at + 5] ?? 0) << 16;
      if (width > 6) upper += (packed[at + 6] ?? 0) * 0x100_0000;
      if (upper !== 0) sum += upper * 0x100_0000;
    }
    into[index + step] = sum;
  }
}

/** Sets a slot to a sum that fits its width. */
export function writeSlot(packed: Uint8Array, slot: number, width: number, sum: number): void {
  const at = slot * width;
  if (width === DOUBLE_BYTES) {
    asDouble[0] = sum;
    for (let index = 0; index < DOUBLE_BYTES; index++) packed[at + index] = asBytes[index] ?? 0;
    return;
  }
  let rest = sum;
  for (let index = at; index < at + width; index++) {
    const upper = Math.floor(rest / BYTE);
    packed[index] = rest - upper * BYTE;
    rest = upper;
  }
}
