import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { invalidRequest } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';
import { buildLineItems } from './line-items.ts';

const PATH = '/v1/checkout/sessions';
const HOUR_SECONDS = 3_600;
const OPEN_SECONDS = 24 * HOUR_SECONDS;
const CREATE = [
  'mode',
  'customer',
  'customer_creation',
  'customer_email',
  'client_reference_id',
  'line_items',
  'payment_intent_data',
  'setup_intent_data',
  'currency',
  'metadata',
  'success_url',
  'cancel_url',
  'expires_at',
  'saved_payment_method_options',
  'expand',
];
const INTENT_DATA = [
  'capture_method',
  'description',
  'metadata',
  'receipt_email',
  'setup_future_usage',
  'statement_descriptor_suffix',
];

/** What a session will make of the payment when somebody pays. */
export interface IntentPlan {
  readonly captureMethod: 'automatic_async' | 'manual';
  readonly setupFutureUsage: 'off_session' | 'on_session' | undefined;
  readonly metadata: Record<string, string>;
  readonly description: string | undefined;
}

export function checkoutRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: PATH,
      params: CREATE,
      handle: ({ params, origin }) => createSession(world, params, origin),
    },
    {
      method: 'GET',
      path: PATH,
      params: [...PAGE_PARAMS, 'created', 'customer', 'payment_intent', 'status'],
      handle: ({ params }) => {
        const [customer, intent] = [params.text('customer'), params.text('payment_intent')];
        const status = params.text('status');
        return world.sessions.page(
          PATH,
          params,
          (row) =>
            (customer === undefined || idOf(row.customer) === customer) &&
            (intent === undefined || idOf(row.payment_intent) === intent) &&
            (status === undefined || row.status === status),
        );
      },
    },
    { method: 'GET', path: `${PATH}/{id}`, params: ['expand'], handle: ({ id }) => world.sessions.get(id) },
    {
      method: 'GET',
      path: `${PATH}/{id}/line_items`,
      params: PAGE_PARAMS,
      handle: ({ id }) => {
        world.sessions.get(id);
        return {
          object: 'list',
          data: world.lineItems.get(id) ?? [],
          has_more: false,
          url: `${PATH}/${id}/line_items`,
        };
      },
    },
    {
      method: 'POST',
      path: `${PATH}/{id}/expire`,
      params: ['expand'],
      handle: ({ id }) => {
        const session = world.sessions.get(id);
        if (session.status !== 'open') {
          throw invalidRequest('Only Checkout Sessions with a status in ["open"] can be expired.');
        }
        return expireSession(world, session);
      },
    },
  ];
}

function createSession(world: World, params: Params, origin: string): Stripe.Checkout.Session {
  const mode = params.oneOf('mode', ['payment', 'setup']) ?? 'payment';
  const id = `cs_test_${world.ids.next('', 40).slice(1)}`;
  const customer = params.text('customer');
  if (customer !== undefined) world.customers.get(customer, 'customer');
  const successUrl = params.required('success_url');
  const items = mode === 'payment' ? buildLineItems(world, params) : [];
  const total = items.reduce((sum, item) => sum + item.amount_total, 0);
  const currency = items[0]?.currency ?? params.text('currency') ?? null;
  if (mode === 'setup' && currency === null) throw invalidRequest('You must provide `currency` in setup mode.');
  const created = world.now();
  const session = {
    id,
    object: 'checkout.session',
    adaptive_pricing: null,
    after_expiration: null,
    allow_promotion_codes: null,
    allowed_payment_method_types: null,
    amount_subtotal: mode === 'payment' ? total : null,
    amount_total: mode === 'payment' ? total : null,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    billing_address_collection: null,
    cancel_url: params.text('cancel_url') ?? null,
    client_reference_id: params.text('client_reference_id') ?? null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    created,
    currency,
    currency_conversion: null,
    custom_fields: [],
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: customer ?? null,
    customer_account: null,
    customer_creation:
      customer === undefined ? (params.oneOf('customer_creation', ['always', 'if_required']) ?? 'if_required') : null,
    customer_details: null,
    customer_email: params.text('customer_email') ?? null,
    discounts: [],
    expires_at: expiry(params, created),
    integration_identifier: null,
    invoice: null,
    invoice_creation: null,
    livemode: false,
    locale: null,
    managed_payments: null,
    metadata: params.metadata(),
    mode,
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: 'if_required',
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: ['card'],
    payment_status: mode === 'payment' ? 'unpaid' : 'no_payment_required',
    permissions: null,
    recovered_from: null,
    saved_payment_method_options: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    submit_type: null,
    subscription: null,
    success_url: successUrl,
    total_details: mode === 'payment' ? { amount_discount: 0, amount_shipping: 0, amount_tax: 0 } : null,
    ui_mode: 'hosted_page',
    // People pay on a page of the sandbox itself.
    url: `${origin}/pay/${id}`,
    wallet_options: null,
  } satisfies Stripe.Checkout.Session as Stripe.Checkout.Session;
  world.intentPlans.set(id, planOf(params));
  world.lineItems.set(id, items);
  world.openSessions.add(id);
  return world.sessions.add(session);
}

function planOf(params: Params): IntentPlan {
  const data = params.hash('payment_intent_data') ?? params.hash('setup_intent_data');
  data?.refuseUnknown(INTENT_DATA);
  return {
    captureMethod:
      data?.oneOf('capture_method', ['automatic', 'automatic_async', 'manual']) === 'manual'
        ? 'manual'
        : 'automatic_async',
    setupFutureUsage: data?.oneOf('setup_future_usage', ['off_session', 'on_session']),
    metadata: data?.metadata() ?? {},
    description: data?.text('description'),
  };
}

function expiry(params: Params, created: number): number {
  const at = params.integer('expires_at') ?? created + OPEN_SECONDS;
  if (at < created + HOUR_SECONDS / 2 || at > created + OPEN_SECONDS) {
    throw invalidRequest('The `expires_at` timestamp must be between 30 minutes and 24 hours from now.', {
      param: 'expires_at',
    });
  }
  return at;
}

/** Closes a session that nobody paid. */
export function expireSession(world: World, session: Stripe.Checkout.Session): Stripe.Checkout.Session {
  session.status = 'expired';
  session.url = null;
  world.openSessions.delete(session.id);
  world.emit('checkout.session.expired', session);
  return session;
}
