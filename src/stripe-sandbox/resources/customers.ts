import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { noSuch } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import { idOf, type World } from '../world.ts';
import { attachPaymentMethod, detachPaymentMethod } from './payment-methods.ts';

const FIELDS = ['description', 'email', 'name', 'phone', 'metadata', 'expand', 'invoice_settings', 'address'];

export function customerRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/customers',
      params: [...FIELDS, 'payment_method'],
      handle: ({ params }) => createCustomer(world, params),
    },
    {
      method: 'GET',
      path: '/v1/customers',
      params: [...PAGE_PARAMS, 'created', 'email'],
      handle: ({ params }) => {
        const email = params.text('email');
        return world.customers.page('/v1/customers', params, (row) => email === undefined || row.email === email);
      },
    },
    {
      method: 'GET',
      path: '/v1/customers/{id}',
      params: ['expand'],
      handle: ({ id }) => world.deletedCustomers.get(id) ?? world.customers.get(id),
    },
    {
      method: 'POST',
      path: '/v1/customers/{id}',
      params: [...FIELDS, 'default_source'],
      handle: ({ params, id }) => updateCustomer(world, world.customers.get(id), params),
    },
    { method: 'DELETE', path: '/v1/customers/{id}', params: [], handle: ({ id }) => deleteCustomer(world, id) },
    {
      method: 'GET',
      path: '/v1/customers/{id}/payment_methods',
      params: [...PAGE_PARAMS, 'type', 'allow_redisplay'],
      handle: ({ id, params }) => {
        const customer = world.customers.get(id);
        const type = params.text('type');
        return world.paymentMethods.page(
          `/v1/customers/${id}/payment_methods`,
          params,
          (row) => idOf(row.customer) === customer.id && (type === undefined || row.type === type),
        );
      },
    },
  ];
}

/** A new customer; also what Checkout creates when a card is to be saved and no customer was named. */
export function createCustomer(world: World, params: Params): Stripe.Customer {
  const customer = {
    id: world.ids.next('cus', 14),
    object: 'customer',
    address: null,
    balance: 0,
    created: world.now(),
    currency: null,
    default_source: null,
    delinquent: false,
    description: unset(params.text('description')),
    discount: null,
    email: unset(params.text('email')),
    invoice_prefix: world.ids.next('', 8).slice(1).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: params.metadata(),
    name: unset(params.text('name')),
    next_invoice_sequence: 1,
    phone: unset(params.text('phone')),
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  } satisfies Stripe.Customer as Stripe.Customer;
  world.customers.add(customer);
  setDefaultPaymentMethod(world, customer, params);
  const paymentMethod = params.text('payment_method');
  if (paymentMethod !== undefined) attachPaymentMethod(world, paymentMethod, customer.id);
  world.emit('customer.created', customer);
  return customer;
}

function updateCustomer(world: World, customer: Stripe.Customer, params: Params): Stripe.Customer {
  const before = structuredClone(customer);
  customer.metadata = params.metadata(customer.metadata);
  if (params.has('description')) customer.description = unset(params.text('description'));
  if (params.has('email')) customer.email = unset(params.text('email'));
  if (params.has('name')) customer.name = unset(params.text('name'));
  if (params.has('phone')) customer.phone = unset(params.text('phone'));
  setDefaultPaymentMethod(world, customer, params);
  const changed = Object.entries(before).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(Reflect.get(customer, name)),
  );
  if (changed.length > 0) world.emit('customer.updated', customer, Object.fromEntries(changed));
  return customer;
}

function setDefaultPaymentMethod(world: World, customer: Stripe.Customer, params: Params): void {
  const settings = params.hash('invoice_settings');
  if (settings?.has('default_payment_method') !== true) return;
  const id = settings.text('default_payment_method') ?? '';
  if (id !== '' && idOf(world.paymentMethods.find(id)?.customer) !== customer.id) {
    throw noSuch('PaymentMethod', id, 'invoice_settings[default_payment_method]');
  }
  customer.invoice_settings = { ...customer.invoice_settings, default_payment_method: id === '' ? null : id };
}

function deleteCustomer(world: World, id: string): Stripe.DeletedCustomer {
  const customer = world.customers.remove(id);
  for (const method of world.paymentMethods.all().filter((row) => idOf(row.customer) === id)) {
    detachPaymentMethod(world, method);
  }
  const deleted = { id, object: 'customer', deleted: true } satisfies Stripe.DeletedCustomer;
  world.deletedCustomers.set(id, deleted);
  world.emit('customer.deleted', customer);
  return deleted;
}

function unset(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
