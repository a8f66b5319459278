import { z } from 'zod';
import { formatWalletId } from '../../domain/ids.ts';
import { formatDecimal } from '../../domain/money/nanos.ts';
import { AppError } from '../../errors.ts';
import { KindTotals, type StatementEntry } from '../../pipeline/statement/statement.ts';
import { statementJson } from '../../pipeline/statement/statement-json.ts';
import type { HttpApp } from '../server/http-app.ts';
import type { BookRoutes } from './tenant-books.ts';
import { isoOf, moneySchema } from './views.ts';
import { currencyQuery, findWallet, momentSchema, walletParams } from './wallet-routes.ts';

/** Entries of a statement over HTTP; longer ones are read with `/entries`, a page at a time, or on the command line. */
const ENTRIES_MAX = 20_000;

const balanceSchema = z.object({
  wallet: z.string(),
  account: z.string(),
  currency: z.string(),
  balance: moneySchema,
  sequence: z.string(),
  postedAt: z.string().nullable().describe('When the entry that made it was posted.'),
});

class TooLong extends Error {}

/** What a wallet did between two times, and what it held at one. */
export function statementRoutes(app: HttpApp, routes: BookRoutes): void {
  app.get(
    '/v1/wallets/:wallet/statement',
    {
      config: { access: 'read' },
      schema: {
        tags: ['wallets'],
        summary: 'A statement, with proof if it is asked for',
        description: 'The format is that of `tollkeeper statement --json`, which also verifies proofs.',
        params: walletParams,
        querystring: currencyQuery.extend({
          from: momentSchema.optional(),
          to: momentSchema.optional(),
          proof: z.enum(['true', 'false']).default('false'),
        }),
      },
    },
    async (request, reply) => {
      const { from: fromMs, to: toMs, proof, currency } = request.query;
      const { reference } = await findWallet(request, routes, { ...request.params, currency });
      const { history } = routes.books(reference.tenant);
      const entries: StatementEntry[] = [];
      const totals = new KindTotals();
      const summary = await history
        .statement({ wallet: reference, fromMs, toMs }, (page) => {
          if (entries.length + page.length > ENTRIES_MAX) throw new TooLong();
          entries.push(...page);
          for (const entry of page) totals.add(entry);
        })
        .catch((error: unknown) => {
          if (!(error instanceof TooLong)) throw error;
          throw new AppError('SELECTION_TOO_WIDE', `The statement has more than ${ENTRIES_MAX} entries.`, {
            fix: 'Narrow it with from and to, or read /entries a page at a time.',
          });
        });
      const places = new Map(entries.map(({ lane, batchNo }) => [`${lane} ${batchNo}`, { lane, batchNo }]));
      const proven =
        proof === 'true' ? await history.prove(summary.wallet.walletId, [...places.values()], undefined) : undefined;
      return reply.send(statementJson({ summary, fromMs, toMs, entries, totals: totals.list(), proof: proven }));
    },
  );
  app.get(
    '/v1/wallets/:wallet/balance',
    {
      config: { access: 'read' },
      schema: {
        tags: ['wallets'],
        summary: 'The balance at a time, by when entries were posted',
        params: walletParams,
        querystring: currencyQuery.extend({ at: momentSchema.optional() }),
        response: { 200: balanceSchema },
      },
    },
    async (request) => {
      const { at, currency } = request.query;
      const { reference } = await findWallet(request, routes, { ...request.params, currency });
      const { wallet, point, postedAtMs } = await routes.books(reference.tenant).history.balanceAt(reference, at);
      return {
        wallet: formatWalletId(wallet.walletId),
        account: wallet.account,
        currency: wallet.currency,
        balance: formatDecimal(point.balance),
        sequence: point.sequence.toString(),
        postedAt: isoOf(postedAtMs),
      };
    },
  );
}
