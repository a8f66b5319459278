import { invalidRequest } from '../stripe-fault.ts';
import { idOf, type World } from '../world.ts';

const DEPTH_MAX = 4;
type Fields = Record<string, unknown>;

/** The answer with the asked-for ids replaced by their objects; the stored objects stay as they are. */
export function expand(world: World, answer: object, paths: readonly string[]): object {
  const copy: object = structuredClone(answer);
  for (const path of paths) {
    const parts = path.split('.');
    if (parts.filter((part) => part !== 'data').length > DEPTH_MAX) {
      throw invalidRequest(`You cannot expand more than ${DEPTH_MAX} levels of a property.`, { param: 'expand' });
    }
    expandPart(world, copy, parts, path);
  }
  return copy;
}

function expandPart(world: World, value: unknown, parts: readonly string[], path: string): void {
  const [part, ...rest] = parts;
  if (part === undefined || value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    for (const item of value) expandPart(world, item, parts, path);
    return;
  }
  // A mutable view of a copy that nobody else holds.
  const fields = value as Fields;
  const field = fields[part] ?? included(world, fields, part);
  if (field === undefined) throw invalidRequest(`This property cannot be expanded (${path}).`, { param: 'expand' });
  fields[part] = typeof field === 'string' ? (objectOf(world, field) ?? field) : field;
  expandPart(world, fields[part], rest, path);
}

/** What Stripe leaves out of an object unless it is asked for. */
function included(world: World, fields: Fields, part: string): object | undefined {
  const id = typeof fields.id === 'string' ? fields.id : '';
  if (fields.object === 'checkout.session' && part === 'line_items') {
    const data = structuredClone(world.lineItems.get(id) ?? []);
    return { object: 'list', data, has_more: false, url: `/v1/checkout/sessions/${id}/line_items` };
  }
  if (fields.object === 'charge' && part === 'refunds') {
    const data = structuredClone(world.refunds.all().filter((row) => idOf(row.charge) === id)).reverse();
    return { object: 'list', data, has_more: false, url: `/v1/charges/${id}/refunds` };
  }
  return undefined;
}

function objectOf(world: World, id: string): object | undefined {
  const tables = {
    cus: world.customers,
    pm: world.paymentMethods,
    pi: world.paymentIntents,
    seti: world.setupIntents,
    ch: world.charges,
    re: world.refunds,
    du: world.disputes,
    issfr: world.warnings,
    prv: world.reviews,
    txn: world.balanceTransactions,
    cs: world.sessions,
  };
  const prefix = id.slice(0, id.indexOf('_'));
  const found = Object.entries(tables)
    .find(([name]) => name === prefix)?.[1]
    .find(id);
  const object = found ?? world.deletedCustomers.get(id);
  return object === undefined ? undefined : structuredClone(object);
}
