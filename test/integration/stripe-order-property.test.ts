import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventSubject } from '../../src/domain/payments/event-kinds.ts';
import { autoTopUp } from '../../src/pipeline/stripe/auto-top-up.ts';
import { processEvent } from '../../src/pipeline/stripe/process-event.ts';
import { credit, expectProven, walletOf } from '../support/credit.ts';
import { openTestLedger, USD } from '../support/ledger.ts';
import { openMoneyIn } from '../support/money-in.ts';

const chapter = fc.constantFrom('refund', 'refund_that_fails', 'dispute_won', 'dispute_lost', 'warning', 'inquiry');

test('any order and repetition of the events of a payment gives the balance that Stripe has', async () => {
  const ledger = await openTestLedger();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(chapter, { minLength: 1, maxLength: 3 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 60, maxLength: 60 }),
      async (chapters, order) => {
        // Seeds of its own for each run: ids are keys of the one ledger.
        const money = await openMoneyIn({ ledger, seed: ++run });
        const account = `acme-${run}`;
        await credit(ledger, account, 1);
        await money.withCard(
          account,
          chapters.includes('refund_that_fails') ? 'pm_card_pendingRefund' : 'pm_card_visa',
        );
        const walletId = await money.setAuto(account);
        // The answer to the charge is lost: all that is ever known comes by events.
        money.sandbox.faults.add({
          kind: 'reset',
          afterWork: true,
          path: '/v1/payment_intents',
          method: 'POST',
          count: 2,
        });
        await autoTopUp(money, walletId);
        const [intent] = money.sandbox.world.paymentIntents.all();
        const id = intent?.id ?? '';
        let cents = 5_000;
        for (const name of chapters) {
          if (name === 'refund') {
            const { id: refund } = await money.sdk.refunds.create({ payment_intent: id, amount: 700 });
            if (chapters.includes('refund_that_fails')) money.sandbox.control.settleRefund(refund, true);
            cents -= 700;
          } else if (name === 'refund_that_fails') {
            const refund = await money.sdk.refunds.create({ payment_intent: id, amount: 300 });
            money.sandbox.control.settleRefund(refund.id, false);
          } else if (name === 'warning') money.sandbox.control.warn(id);
          else if (name === 'inquiry') money.sandbox.control.dispute(id, { inquiry: true });
          else {
            const dispute = money.sandbox.control.dispute(id, { amount: 1_100 });
            const isWon = name === 'dispute_won';
            money.sandbox.control.closeDispute(dispute.id, isWon ? 'won' : 'lost');
            if (!isWon) cents -= 1_100;
          }
        }
        const events = money.events().filter(({ type }) => eventSubject(type) !== 'none');
        const shuffled = [...events, ...events]
          .map((event, index) => ({ event, rank: order[index % order.length] ?? 0 }))
          .sort((left, right) => left.rank - right.rank);
        for (const { event } of shuffled) {
          await money.send(event);
          await processEvent(money, event.id);
        }
        await Promise.all(events.slice(0, 8).map(({ id: eventId }) => processEvent(money, eventId)));
        const { posted } = await walletOf(ledger, account);
        expect(posted).toBe(1n * USD + (BigInt(cents) * USD) / 100n);
      },
    ),
    { numRuns: 8, seed: 20_261_124, endOnFailure: true },
  );
  await expectProven(ledger);
});
