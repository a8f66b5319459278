const INT64_MAX = 2n ** 63n - 1n;

/** A signed 64-bit number written in decimal; undefined for anything else. */
export function parseWholeNumber(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^-?\d{1,19}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value > INT64_MAX || value < -INT64_MAX - 1n ? undefined : value;
}
