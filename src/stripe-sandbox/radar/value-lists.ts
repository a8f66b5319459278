import type Stripe from 'stripe';
import type { Params } from '../http/params.ts';
import type { Route } from '../http/route.ts';
import { invalidRequest, StripeFault } from '../stripe-fault.ts';
import { PAGE_PARAMS } from '../table.ts';
import type { World } from '../world.ts';

const LISTS = '/v1/radar/value_lists';
const ITEMS = '/v1/radar/value_list_items';
const ITEM_TYPES = [
  'account',
  'card_bin',
  'card_fingerprint',
  'case_sensitive_string',
  'country',
  'customer_id',
  'email',
  'ip_address',
  'string',
] as const;
const ALIAS_CHARS_MAX = 100;

export function valueListRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: LISTS,
      params: ['alias', 'name', 'item_type', 'metadata', 'expand'],
      handle: ({ params }) => createList(world, params),
    },
    {
      method: 'GET',
      path: LISTS,
      params: [...PAGE_PARAMS, 'alias', 'contains', 'created'],
      handle: ({ params }) => {
        requirePlan(world);
        const [alias, contains] = [params.text('alias'), params.text('contains')];
        const page = world.valueLists.page(LISTS, params, (row) => {
          const holds = contains === undefined || itemsOf(world, row.id).some(({ value }) => value === contains);
          return holds && (alias === undefined || row.alias === alias);
        });
        return { ...page, data: page.data.map((row) => withItems(world, row)) };
      },
    },
    {
      method: 'GET',
      path: `${LISTS}/{id}`,
      params: ['expand'],
      handle: ({ id }) => withItems(world, listOf(world, id)),
    },
    {
      method: 'POST',
      path: `${LISTS}/{id}`,
      params: ['alias', 'name', 'metadata', 'expand'],
      handle: ({ id, params }) => {
        const list = listOf(world, id);
        if (params.has('alias')) list.alias = aliasOf(world, params);
        if (params.has('name')) list.name = params.required('name');
        list.metadata = params.metadata(list.metadata);
        return withItems(world, list);
      },
    },
    {
      method: 'DELETE',
      path: `${LISTS}/{id}`,
      params: [],
      handle: ({ id }) => {
        const list = listOf(world, id);
        if (list.alias === world.radar.reviewList || list.alias === world.radar.blockList) {
          throw invalidRequest('This list is used by a rule and cannot be deleted.');
        }
        world.valueLists.remove(list.id);
        return { id: list.id, object: 'radar.value_list', deleted: true };
      },
    },
    ...itemRoutes(world),
  ];
}

function itemRoutes(world: World): readonly Route[] {
  return [
    {
      method: 'POST',
      path: ITEMS,
      params: ['value', 'value_list', 'expand'],
      handle: ({ params }) => createItem(world, params),
    },
    {
      method: 'GET',
      path: ITEMS,
      params: [...PAGE_PARAMS, 'value_list', 'value', 'created'],
      handle: ({ params }) => {
        const list = listOf(world, params.required('value_list'), 'value_list');
        const value = params.text('value');
        return world.valueListItems.page(
          ITEMS,
          params,
          (row) => row.value_list === list.id && (value === undefined || row.value === value),
        );
      },
    },
    {
      method: 'GET',
      path: `${ITEMS}/{id}`,
      params: ['expand'],
      handle: ({ id }) => {
        requirePlan(world);
        return world.valueListItems.get(id);
      },
    },
    {
      method: 'DELETE',
      path: `${ITEMS}/{id}`,
      params: [],
      handle: ({ id }) => {
        requirePlan(world);
        return { id: world.valueListItems.remove(id).id, object: 'radar.value_list_item', deleted: true };
      },
    },
  ];
}

function createList(world: World, params: Params): Stripe.Radar.ValueList {
  requirePlan(world);
  return world.valueLists.add({
    id: world.ids.next('rsl'),
    object: 'radar.value_list',
    alias: aliasOf(world, params),
    created: world.now(),
    created_by: 'sandbox@example.com',
    item_type: params.oneOf('item_type', ITEM_TYPES) ?? 'string',
    list_items: { object: 'list', data: [], has_more: false, url: '' },
    livemode: false,
    metadata: params.metadata(),
    name: params.required('name'),
  } satisfies Stripe.Radar.ValueList as Stripe.Radar.ValueList);
}

function aliasOf(world: World, params: Params): string {
  const alias = params.required('alias');
  if (alias.length > ALIAS_CHARS_MAX) throw invalidRequest('Alias is too long.', { param: 'alias' });
  if (world.valueLists.all().some((row) => row.alias === alias)) {
    throw invalidRequest(`A value list with the alias ${alias} already exists.`, { param: 'alias' });
  }
  return alias;
}

function createItem(world: World, params: Params): Stripe.Radar.ValueListItem {
  const list = listOf(world, params.required('value_list'), 'value_list');
  const value = params.required('value');
  if (list.item_type === 'customer_id' && !/^cus_\w+$/.test(value)) {
    throw invalidRequest(`'${value}' is not a valid customer id.`, { param: 'value' });
  }
  if (itemsOf(world, list.id).some((item) => item.value === value)) {
    throw invalidRequest(`'${value}' is already in this list.`, { param: 'value' });
  }
  return world.valueListItems.add({
    id: world.ids.next('rsli'),
    object: 'radar.value_list_item',
    created: world.now(),
    created_by: 'sandbox@example.com',
    livemode: false,
    value,
    value_list: list.id,
  } satisfies Stripe.Radar.ValueListItem as Stripe.Radar.ValueListItem);
}

function listOf(world: World, id: string, param = 'id'): Stripe.Radar.ValueList {
  requirePlan(world);
  return world.valueLists.get(id, param);
}

function itemsOf(world: World, list: string): readonly Stripe.Radar.ValueListItem[] {
  return world.valueListItems.all().filter((item) => item.value_list === list);
}

function withItems(world: World, list: Stripe.Radar.ValueList): Stripe.Radar.ValueList {
  const items = itemsOf(world, list.id).toReversed();
  const data = items.slice(0, 10);
  return {
    ...list,
    list_items: { object: 'list', data, has_more: items.length > 10, url: `${ITEMS}?value_list=${list.id}` },
  };
}

/** Lists belong to a plan of Radar that not every account has. */
function requirePlan(world: World): void {
  if (world.radar.plan === 'teams') return;
  throw new StripeFault(
    403,
    'invalid_request_error',
    'Your account is not set up to use Radar for Fraud Teams. Enable it at https://dashboard.stripe.com/settings/radar.',
  );
}
