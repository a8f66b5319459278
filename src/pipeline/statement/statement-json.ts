import { z } from 'zod';
import { formatWalletId } from '../../domain/ids.ts';
import type { ProofNodes } from '../../domain/ledger/chain/merkle.ts';
import { headHash } from '../../domain/ledger/chain/published-head.ts';
import { formatDecimal } from '../../domain/money/nanos.ts';
import { formatIso } from '../../domain/time.ts';
import type { KindTotal, StatementEntry, StatementPoint, StatementProof, StatementSummary } from './statement.ts';

/** A statement as JSON, exact: amounts, numbers of entries and hashes are text (docs/ledger-statement.md). */
export function statementJson(statement: {
  readonly summary: StatementSummary;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly entries: readonly StatementEntry[];
  readonly totals: readonly KindTotal[];
  readonly proof: StatementProof | undefined;
}) {
  const { summary, fromMs, toMs, entries, totals, proof } = statement;
  const { wallet, opening, closing } = summary;
  return {
    statement: 1,
    wallet: formatWalletId(wallet.walletId),
    tenant: wallet.tenant,
    account: wallet.account,
    currency: wallet.currency,
    from: fromMs === undefined ? null : formatIso(fromMs),
    to: toMs === undefined ? null : formatIso(toMs),
    opening: pointJson(opening),
    closing: pointJson(closing),
    totals: totals.map(({ kind, entries: count, amount }) => ({ kind, entries: count, ...nanos('amount', amount) })),
    entries: entries.map((entry) => entryJson(entry, proof !== undefined)),
    ...(summary.away.length === 0 ? {} : { archivedElsewhere: summary.away }),
    ...(proof === undefined ? {} : { proof: proofJson(proof, wallet.walletId) }),
  };
}

/** An entry as JSON; with `whole`, everything its hashes cover. */
export function entryJson(entry: StatementEntry, whole = false) {
  return {
    sequence: entry.sequence.toString(),
    postedAt: formatIso(entry.postedAtMs),
    occurredAt: formatIso(entry.occurredAtMs),
    kind: entry.kind,
    eventId: entry.eventId,
    source: entry.source,
    meter: entry.meter,
    quantity: entry.quantity,
    ...nanos('amount', entry.amount),
    ...nanos('balance', entry.balanceAfter),
    actor: entry.actor,
    reason: entry.reason,
    lane: entry.lane,
    batch: entry.batchNo.toString(),
    ...(whole
      ? {
          kindCode: entry.kindCode,
          eventKey: entry.eventKey,
          contentHash: entry.contentHash.toString(),
          event: entry.event,
        }
      : {}),
  };
}

function proofJson(proof: StatementProof, walletId: bigint) {
  return {
    format: 'tollkeeper-statement-1',
    walletNumber: walletId.toString(),
    head: headHash(proof.heads),
    heads: proof.heads,
    lanes: [...proof.lanes].map(([lane, nodes]) => ({ lane, nodes: nodesJson(nodes) })),
    batches: proof.batches.map((batch) => ({
      lane: batch.lane,
      batch: batch.batchNo.toString(),
      kind: batch.kind,
      postedAt: formatIso(batch.postedAtMs),
      wallets: batch.wallets,
      index: batch.index,
      nodes: nodesJson(batch.nodes),
      header: batch.headerHash.toString('hex'),
      previous: batch.previous.toString('hex'),
    })),
  };
}

function nodesJson(nodes: ProofNodes): Readonly<Record<string, string>> {
  return Object.fromEntries([...nodes].map(([name, node]) => [name, node.toString('hex')]));
}

function pointJson({ sequence, balance }: StatementPoint) {
  return { sequence: sequence.toString(), ...nanos('balance', balance) };
}

function nanos<Name extends string>(name: Name, amount: bigint) {
  const fields = { [name]: formatDecimal(amount), [`${name}Nanos`]: amount.toString() };
  // The two keys are the ones just written; TypeScript does not follow computed names.
  return fields as { readonly [key in Name | `${Name}Nanos`]: string };
}

const whole = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .transform(BigInt);
const bytes = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => Buffer.from(text, 'hex'));
const nodes = z
  .record(z.string().regex(/^\d{1,2}\.\d{1,15}$/), bytes)
  .transform((record) => new Map(Object.entries(record)));
const time = z.iso.datetime({ precision: 3 }).transform((text) => Date.parse(text));
const point = z.object({ sequence: whole, balanceNanos: whole, balance: z.string() });

/** A statement file as `verify` reads it. */
export const statementSchema = z.object({
  statement: z.literal(1),
  wallet: z.string(),
  tenant: z.string(),
  account: z.string(),
  currency: z.string(),
  from: time.nullable(),
  to: time.nullable(),
  opening: point,
  closing: point,
  totals: z.array(z.object({ kind: z.string(), entries: z.number().int(), amountNanos: whole, amount: z.string() })),
  entries: z.array(
    z.object({
      sequence: whole,
      postedAt: time,
      occurredAt: time,
      kind: z.string(),
      eventId: z.string().nullable(),
      source: z.string().nullable(),
      meter: z.string().nullable(),
      quantity: z.string().nullable(),
      amount: z.string(),
      amountNanos: whole,
      balance: z.string(),
      balanceNanos: whole,
      lane: z.number().int(),
      batch: whole,
      kindCode: z.number().int().optional(),
      eventKey: z
        .string()
        .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
        .optional(),
      contentHash: whole.optional(),
      event: z
        .object({ sequence: z.number().nullable(), properties: z.record(z.string(), z.json()).nullable() })
        .nullable()
        .optional(),
    }),
  ),
  proof: z
    .object({
      format: z.literal('tollkeeper-statement-1'),
      walletNumber: whole,
      head: z.string(),
      heads: z.array(z.string()),
      lanes: z.array(z.object({ lane: z.number().int(), nodes })),
      batches: z.array(
        z.object({
          lane: z.number().int(),
          batch: whole,
          kind: z.string(),
          postedAt: time,
          wallets: z.number().int().positive(),
          index: z.number().int().nonnegative(),
          nodes,
          header: bytes,
          previous: bytes,
        }),
      ),
    })
    .optional(),
});

export type StatementFile = z.infer<typeof statementSchema>;
