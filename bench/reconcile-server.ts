import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createStripeClient } from '../src/adapters/stripe/client.ts';
import { Secret } from '../src/secret.ts';
import { startStripeSandbox } from '../src/stripe-sandbox/sandbox.ts';
import { centsOf, paymentId, secondOf } from './reconcile-rows.ts';

const PAGE_MAX = 100;

/** A balance transaction with its expanded charge as the sandbox answers it, cut where its own values stand. */
async function templateOf(): Promise<readonly string[]> {
  const sandbox = await startStripeSandbox({ now: () => Date.UTC(2026, 0, 1), webhooks: 'manual' });
  const stripe = createStripeClient({ secretKey: new Secret('sk_test_bench'), apiUrl: sandbox.url });
  const customer = await stripe.customers.create({ description: 'bench' });
  const intent = await stripe.paymentIntents.create({
    amount: 7_777_777,
    currency: 'usd',
    customer: customer.id,
    payment_method: 'pm_card_visa',
    off_session: true,
    confirm: true,
    metadata: { wallet_topup_id: 'top_bench00000000', usage_risk: 'clear', attempt: '1' },
  });
  const [row] = (await stripe.balanceTransactions.list({ limit: 1, expand: ['data.source'] })).data;
  await sandbox.close();
  if (row === undefined) throw new Error('the sandbox moved no money');
  const charge = typeof row.source === 'object' && row.source !== null ? row.source.id : '';
  const text = JSON.stringify({ ...row, lastResponse: undefined });
  const names: readonly (readonly [string, string])[] = [
    [row.id, '\u0001T'],
    [charge, '\u0001C'],
    [intent.id, '\u0001P'],
    [String(row.created), '\u0001S'],
    [String(row.net), '\u0001N'],
    ['7777777', '\u0001A'],
  ];
  return names.reduce((sum, [value, mark]) => sum.replaceAll(value, mark), text).split('\u0001');
}

/** Rows of a list Stripe would give, the newest first, made as they are asked for. */
function rowText(template: readonly string[], index: number, rows: number, fee: number): string {
  const cents = centsOf(index);
  const payment = paymentId(index);
  const number = String(index).padStart(9, '0');
  const values: Readonly<Record<string, string>> = {
    T: `txn_3bench${number}`,
    C: `ch_3bench${number}`,
    P: payment,
    S: String(secondOf(index, rows)),
    N: String(cents - fee),
    A: String(cents),
  };
  let text = template[0] ?? '';
  for (let part = 1; part < template.length; part++) {
    const piece = template[part] ?? '';
    text += `${values[piece[0] ?? ''] ?? ''}${piece.slice(1)}`;
  }
  return text;
}

/** The first index whose second is not before one. */
function indexAt(second: number, rows: number): number {
  let [low, high] = [0, rows];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (secondOf(middle, rows) < second) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function run(rows: number): Promise<void> {
  const template = await templateOf();
  const feeOfTemplate = Number(/"fee":(\d+)/.exec(template.join(''))?.[1]);
  const answer = (response: ServerResponse, body: string, status = 200) => {
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_bench' });
    response.end(body);
  };
  const list = (indexes: readonly number[], hasMore: boolean) => {
    const data = indexes.map((index) => rowText(template, index, rows, feeOfTemplate)).join(',');
    return `{"object":"list","url":"/v1/balance_transactions","has_more":${hasMore},"data":[${data}]}`;
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://bench');
    const payment = /^\/v1\/payment_intents\/pi_3\w{12}(\d{9})$/.exec(url.pathname)?.[1];
    if (payment !== undefined) {
      answer(
        response,
        `{"id":"${paymentId(Number(payment))}","object":"payment_intent","latest_charge":"ch_3bench${payment}"}`,
      );
      return;
    }
    const source = /^ch_3bench(\d{9})$/.exec(url.searchParams.get('source') ?? '')?.[1];
    if (source !== undefined) {
      answer(response, list([Number(source)], false));
      return;
    }
    const from = indexAt(Number(url.searchParams.get('created[gte]')), rows);
    const to = indexAt(Number(url.searchParams.get('created[lt]')), rows);
    const after = url.searchParams.get('starting_after');
    const next = after === null ? to : Number(after.slice(-9));
    const first = Math.max(from, next - PAGE_MAX);
    const indexes = Array.from({ length: Math.max(0, next - first) }, (_, place) => next - 1 - place);
    answer(response, list(indexes, first > from));
  });
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
}

process.once('message', ({ rows }: { readonly rows: number }) => void run(rows));
