import type Stripe from 'stripe';
import type { Control } from '../control.ts';
import type { Answer } from '../http/api.ts';
import { decodeForm } from '../http/form.ts';
import { Params } from '../http/params.ts';
import { isDecline } from '../resources/pay-session.ts';
import { idOf } from '../world.ts';
import { type Html, html, moneyText, page, redirect } from './html.ts';

const CARDS: readonly (readonly [string, string])[] = [
  ['4242424242424242', 'works'],
  ['4000000000000002', 'is declined'],
  ['4000000000009995', 'has insufficient funds'],
  ['4000002760003184', 'asks for authentication, every time'],
  ['4000002500003155', 'asks for authentication, until it is set up'],
  ['4000000000000341', 'is saved, and fails later'],
  ['4000000000009235', 'has elevated risk: goes to review'],
  ['4100000000000019', 'is blocked by Radar'],
  ['4000000000000259', 'is disputed as fraud afterwards'],
  ['4000000000005423', 'gets an early fraud warning'],
  ['4000000000005126', 'works, and its refund fails'],
];

/** The page where a customer pays: shows it, or does what its buttons say. */
export function checkoutPage(control: Control, method: string, id: string, body: string): Answer {
  const session = control.world.sessions.find(id);
  if (session === undefined) return page('Not found', html`<p>There is no such payment page.</p>`, 404);
  if (method === 'GET') return show(session, undefined);
  const form = new Params(decodeForm(body));
  if (form.text('action') === 'leave') return redirect(session.cancel_url ?? '/');
  try {
    control.pay(id, {
      card: form.text('card') ?? '',
      email: form.text('email') || undefined,
      authenticates: form.text('action') !== 'fail_authentication',
      delayed: form.text('action') === 'delayed',
    });
  } catch (error) {
    if (!isDecline(error)) throw error;
    return show(session, error.message);
  }
  return redirect((session.success_url ?? '/').replaceAll('{CHECKOUT_SESSION_ID}', session.id));
}

function show(session: Stripe.Checkout.Session, refused: string | undefined): Answer {
  const amount =
    session.amount_total === null ? 'Save a card' : moneyText(session.amount_total, session.currency ?? 'usd');
  return page(
    'Pay',
    html`<main class="card"><h1>Pay</h1><div class="amount">${amount}</div>
<p class="soft">${session.client_reference_id ?? ''}</p>
${refused === undefined ? '' : html`<p class="bad" role="alert">${refused}</p>`}
${session.status === 'open' ? form(session) : html`<p>This payment page is ${session.status ?? 'closed'}.</p>`}
</main>`,
  );
}

function form(session: Stripe.Checkout.Session): Html {
  const needsEmail = idOf(session.customer) === undefined;
  return html`<form method="post" class="row">
${needsEmail ? html`<label>Email <input name="email" type="email" value="you@example.com"></label>` : ''}
<label>Test card <select name="card">${CARDS.map(([number, what]) => html`<option value="${number}">${grouped(number)} ${what}</option>`)}</select></label>
<button class="go" name="action" value="pay">Pay</button>
<button name="action" value="fail_authentication">Pay, and fail the bank's authentication</button>
<button name="action" value="delayed">Pay by bank debit, which takes days</button>
<button name="action" value="leave">Leave without paying</button>
</form>`;
}

function grouped(number: string): string {
  return number.replaceAll(/(.{4})(?=.)/g, '$1 ');
}
