import type Stripe from 'stripe';
import type { Control } from '../control.ts';
import type { Answer } from '../http/api.ts';
import { idOf } from '../world.ts';
import { type Html, html, moneyText, page } from './html.ts';

const ROWS_MAX = 30;

/** What somebody would click in Stripe's Dashboard, or what banks and cardholders do, on one page. */
export function dashboardPage(control: Control): Answer {
  const { world } = control;
  const newest = <T>(rows: readonly T[]) => rows.toReversed().slice(0, ROWS_MAX);
  const open = world.sessions.all().filter(({ status }) => status === 'open');
  return page(
    'Stripe sandbox',
    html`<h1>What has happened here</h1>
<p class="soft">The clock says ${new Date(world.settings.now()).toISOString().slice(0, 19).replace('T', ' ')} UTC.
${button('advance', { ms: '3600000' }, '+1 hour')} ${button('advance', { ms: '86400000' }, '+1 day')}
${button('advance', { ms: '604800000' }, '+7 days')}</p>
${table('Payment pages that wait for a customer', ['Page', 'For', 'Amount'], newest(open).map(sessionRow))}
${table(
  'Payments',
  ['Payment', 'Status', 'Amount', ''],
  newest(world.paymentIntents.all()).map((row) => paymentRow(control, row)),
)}
${table('Reviews', ['Review', 'State', 'Payment', ''], newest(world.reviews.all()).map(reviewRow))}
${table('Disputes', ['Dispute', 'Status', 'Amount', ''], newest(world.disputes.all()).map(disputeRow))}
${table('Webhooks', ['Event', 'State', 'Last answer', ''], newest(control.deliveries.all).map(deliveryRow))}`,
  );
}

function table(title: string, heads: readonly string[], rows: readonly Html[]): Html {
  if (rows.length === 0) return html`<h2>${title}</h2><p class="soft">None yet.</p>`;
  return html`<h2>${title}</h2><div class="scroll"><table><thead><tr>${heads.map((head) => html`<th class="${head === 'Amount' ? 'number' : ''}">${head}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`;
}

function button(action: string, fields: Readonly<Record<string, string>>, label: string): Html {
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form method="post" action="/_sandbox/${action}">${inputs}<button>${label}</button></form>`;
}

function sessionRow(session: Stripe.Checkout.Session): Html {
  return html`<tr><td><a href="/pay/${session.id}">Open the page</a></td><td><code>${session.client_reference_id ?? session.id}</code></td>
<td class="number">${moneyText(session.amount_total ?? 0, session.currency ?? 'usd')}</td></tr>`;
}

function paymentRow({ world }: Control, intent: Stripe.PaymentIntent): Html {
  const reason = intent.last_payment_error?.decline_code ?? intent.last_payment_error?.code ?? '';
  const charge = world.charges.find(idOf(intent.latest_charge) ?? '');
  const buttons: Html[] = [];
  if (intent.status === 'requires_action') {
    buttons.push(button('authenticate', { payment_intent: intent.id, passes: 'true' }, 'Authenticate'));
    buttons.push(button('authenticate', { payment_intent: intent.id, passes: 'false' }, 'Fail'));
  }
  if (charge?.captured === true) {
    if (!charge.disputed) buttons.push(button('dispute', { of: intent.id }, 'Dispute'));
    buttons.push(button('warn', { of: intent.id }, 'Fraud warning'));
    if (!charge.refunded && !charge.disputed) buttons.push(button('refund', { of: intent.id }, 'Refund'));
  }
  if (charge !== undefined && intent.review === null && charge.paid) {
    buttons.push(button('open_review', { of: intent.id }, 'Review'));
  }
  return html`<tr><td><code>${intent.id}</code></td><td>${intent.status} ${reason === '' ? '' : html`<span class="soft">${reason}</span>`}
${charge?.refunded === true ? html`<span class="soft">refunded</span>` : ''}</td>
<td class="number">${moneyText(intent.amount, intent.currency)}</td><td>${buttons}</td></tr>`;
}

function reviewRow(review: Stripe.Review): Html {
  const buttons = review.open
    ? [
        button('close_review', { review: review.id, reason: 'approved' }, 'Approve'),
        button('close_review', { review: review.id, reason: 'refunded_as_fraud' }, 'Refund as fraud'),
      ]
    : [];
  return html`<tr><td><code>${review.id}</code></td><td>${review.open ? 'open' : (review.closed_reason ?? 'closed')}</td>
<td><code>${idOf(review.payment_intent) ?? ''}</code></td><td>${buttons}</td></tr>`;
}

function disputeRow(dispute: Stripe.Dispute): Html {
  const isOpen = /response|review/.test(dispute.status);
  const buttons = isOpen
    ? [
        button('close_dispute', { dispute: dispute.id, outcome: 'won' }, 'Won'),
        button('close_dispute', { dispute: dispute.id, outcome: 'lost' }, 'Lost'),
      ]
    : [];
  return html`<tr><td><code>${dispute.id}</code></td><td>${dispute.status}</td>
<td class="number">${moneyText(dispute.amount, dispute.currency)}</td><td>${buttons}</td></tr>`;
}

function deliveryRow(delivery: Control['deliveries']['all'][number]): Html {
  return html`<tr><td>${delivery.type} <code class="soft">${delivery.eventId}</code></td>
<td>${delivery.state}${delivery.attempts > 1 ? ` after ${delivery.attempts} tries` : ''}</td><td>${delivery.lastAnswer ?? ''}</td>
<td>${button('resend', { event: delivery.eventId }, 'Send again')}</td></tr>`;
}
