/** Stands for a part of a port that no simulated operation uses: whoever adds one finds out at its first step. */
export function notSimulated(what: string): () => never {
  return () => {
    throw new Error(`not simulated: ${what} (simulate/memory has no tables for it yet)`);
  };
}
