import type Stripe from 'stripe';
import type { CardBehaviour } from '../resources/test-cards.ts';
import { idOf, type World } from '../world.ts';

/** What Radar makes of a payment. */
export interface Assessment {
  readonly riskLevel: 'normal' | 'elevated' | 'highest';
  readonly riskScore: number;
  /** The rule that blocks it. */
  readonly block: Rule | undefined;
  /** The rule that opens a review. */
  readonly review: Rule | undefined;
}

interface Rule {
  readonly id: string;
  readonly action: 'block' | 'review';
  readonly predicate: string;
}

const SCORES = { normal: 21, elevated: 68, highest: 92 } as const;

/** Judges a payment by the card and the fake rules; block goes before review, as in Radar. */
export function assess(world: World, intent: Stripe.PaymentIntent, card: CardBehaviour): Assessment {
  const riskLevel = card.risk ?? (card.blocked === true ? 'highest' : 'normal');
  return {
    riskLevel,
    riskScore: SCORES[riskLevel],
    block: blockingRule(world, intent, card),
    review: reviewRule(world, intent, riskLevel),
  };
}

function blockingRule(world: World, intent: Stripe.PaymentIntent, card: CardBehaviour): Rule | undefined {
  if (card.blocked === true) {
    return { id: 'block_if_high_risk', action: 'block', predicate: ":risk_level: = 'highest'" };
  }
  const { blockList } = world.radar;
  if (blockList === undefined || !isListed(world, blockList, idOf(intent.customer))) return undefined;
  return { id: 'rule_block_list', action: 'block', predicate: `:customer: in @${blockList}` };
}

function reviewRule(world: World, intent: Stripe.PaymentIntent, riskLevel: Assessment['riskLevel']): Rule | undefined {
  const { reviewList, reviewCustomerMetadata, reviewPaymentMetadata, plan } = world.radar;
  if (plan === 'none') return undefined;
  const customer = world.customers.find(idOf(intent.customer) ?? '');
  if (reviewList !== undefined && isListed(world, reviewList, customer?.id)) {
    return { id: 'rule_review_list', action: 'review', predicate: `:customer: in @${reviewList}` };
  }
  if (reviewCustomerMetadata && customer?.metadata.usage_risk === 'review') {
    return { id: 'rule_customer_metadata', action: 'review', predicate: "::customer:usage_risk:: = 'review'" };
  }
  if (reviewPaymentMetadata && intent.metadata.usage_risk === 'review') {
    return { id: 'rule_payment_metadata', action: 'review', predicate: "::usage_risk:: = 'review'" };
  }
  if (riskLevel === 'elevated') {
    return { id: 'manual_review_if_elevated_risk', action: 'review', predicate: ":risk_level: = 'elevated'" };
  }
  return undefined;
}

function isListed(world: World, alias: string, customer: string | undefined): boolean {
  const list = world.valueLists.all().find((row) => row.alias === alias);
  if (list === undefined || customer === undefined) return false;
  return world.valueListItems.all().some((item) => item.value_list === list.id && item.value === customer);
}
