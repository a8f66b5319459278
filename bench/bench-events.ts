/** Seeded usage for benches: uniform over accounts, token quantities, ordinary properties. */
export interface BenchEvent {
  readonly id: string;
  readonly source: string;
  readonly account: string;
  readonly meter: string;
  readonly quantity: string;
  readonly occurredAt: string;
  readonly properties: { readonly key: string; readonly region: string; readonly sentAt?: number };
}

const METERS = ['input_tokens', 'output_tokens'];
const REGIONS = ['us-east', 'eu-central', 'ap-south'];

/** A small, fast generator of 32-bit numbers (mulberry32, public domain by Tommy Ettinger). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Events `from … from + count`, spread over accounts, occurring now. */
export function benchEvents(run: string, from: number, count: number, accounts: number, nowMs: number): BenchEvent[] {
  const random = seededRandom(from + 1);
  const occurredAt = new Date(nowMs).toISOString();
  return Array.from({ length: count }, (_, index) => ({
    id: `${run}-${from + index}`,
    source: 'gateway-1',
    account: `acct_${Math.floor(random() * accounts)}`,
    meter: METERS[(from + index) % METERS.length] ?? 'input_tokens',
    quantity: String(1 + Math.floor(random() * 4_000)),
    occurredAt,
    properties: { key: `key_${Math.floor(random() * 50)}`, region: REGIONS[index % REGIONS.length] ?? 'us-east' },
  }));
}
