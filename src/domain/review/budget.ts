import type { ModelPrice } from './policy.ts';

/** Tokens of one call as the server counted them. */
export interface TokenUsage {
  readonly inputTokens: number;
  /** Those of `inputTokens` that the server had seen before. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

const PER = 1_000_000n;

/** What a call has cost, nano-units, rounded up. */
export function costOf({ inputTokens, cachedTokens, outputTokens }: TokenUsage, price: ModelPrice): bigint {
  const cached = BigInt(Math.min(Math.max(0, cachedTokens), inputTokens));
  const fresh = BigInt(Math.max(0, inputTokens)) - cached;
  const total =
    fresh * price.inputNanos + cached * price.cachedInputNanos + BigInt(Math.max(0, outputTokens)) * price.outputNanos;
  return (total + PER - 1n) / PER;
}

/** What a server adds around the texts: roles, the schema and its own separators. */
const OVERHEAD_TOKENS = 2_000;

/** The most that calls can cost: no tokenizer makes more tokens than there are bytes. */
export function worstCost(
  {
    bytes,
    outputTokensMax,
    calls,
  }: { readonly bytes: number; readonly outputTokensMax: number; readonly calls: number },
  price: ModelPrice,
): bigint {
  const each = { inputTokens: bytes + OVERHEAD_TOKENS, cachedTokens: 0, outputTokens: outputTokensMax };
  return costOf(each, price) * BigInt(calls);
}

/** Tokens of both calls; null when one of them was not counted: not known is not zero. */
export function addUsage(left: TokenUsage | null, right: TokenUsage | null): TokenUsage | null {
  if (left === null || right === null) return null;
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    cachedTokens: left.cachedTokens + right.cachedTokens,
    outputTokens: left.outputTokens + right.outputTokens,
  };
}
