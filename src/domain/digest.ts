import { hash } from 'node:crypto';

/**
 * SHA-256 of a text as a string of 32 characters, one a byte. A string costs a third of a buffer, whose memory lies outside
 * the heap: every event of the hot path is digested twice.
 */
export function sha256(text: string): string {
  return hash('sha256', text, 'binary');
}

/** 16 bits of a digest from a byte on, big-endian. */
export function uint16At(digest: string, offset: number): number {
  return (digest.charCodeAt(offset) << 8) | digest.charCodeAt(offset + 1);
}

/** 32 bits of a digest from a byte on, big-endian. */
export function uint32At(digest: string, offset: number): number {
  return ((uint16At(digest, offset) << 16) | uint16At(digest, offset + 2)) >>> 0;
}

const scratch = new DataView(new ArrayBuffer(8));

/** The first 64 bits of a digest, signed, big-endian. */
export function int64Of(digest: string): bigint {
  scratch.setUint32(0, uint32At(digest, 0));
  scratch.setUint32(4, uint32At(digest, 4));
  return scratch.getBigInt64(0);
}
