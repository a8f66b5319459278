import { DAY_MS, HOUR_MS } from '../../domain/time.ts';
import type { HistoryEvent } from '../../pipeline/backtest/history-event.ts';
import {
  type AttackContext,
  copyOf,
  type Family,
  type Forged,
  harder,
  stretch,
  templateOf,
  timesIn,
} from './attack.ts';

/** A zero-priced fact about an account. */
function fact(
  context: AttackContext,
  account: string,
  meter: string,
  at: {
    readonly occurredAtMs: number;
    readonly source: string;
    readonly quantity?: number;
    readonly properties: HistoryEvent['properties'];
  },
): HistoryEvent {
  const event = copyOf(context, templateOf(context), at);
  return { ...event, account, meter, quantity: at.quantity ?? 1 };
}

const credentialStuffing: Family = {
  name: 'credential_stuffing',
  about: 'passwords are tried on many accounts from few sources',
  build(context) {
    const { random, difficulty, others } = context;
    const targets = others.slice(0, Math.round(harder(difficulty, 40, 12)));
    if (targets.length < 5) return undefined;
    const { startMs, endMs } = stretch(context, harder(difficulty, 8, 24) * HOUR_MS);
    const sources = Array.from({ length: Math.round(harder(difficulty, 3, 30)) }, () => context.name('10.'));
    const injected = targets.flatMap(({ account }): Forged[] =>
      timesIn(random, Math.round(harder(difficulty, 20, 4)), startMs, endMs).map((occurredAtMs) => ({
        event: fact(context, account, 'auth', {
          occurredAtMs,
          source: random.pick(sources),
          properties: { outcome: 'fail' },
        }),
        lossNanos: 0,
      })),
    );
    return { accounts: targets.map(({ account }) => account), sources, startMs, endMs, injected };
  },
};

const freeTierFarm: Family = {
  name: 'free_tier_farm',
  about: 'one person signs up many times for what is free; the accounts share devices, sources and mail domains',
  build(context) {
    const { random, difficulty, priceOf } = context;
    const { startMs, endMs } = stretch(context, 2 * DAY_MS);
    const accounts = Array.from({ length: Math.round(harder(difficulty, 24, 8)) }, () => context.name('acct_'));
    const shared = {
      device: context.name('dev_'),
      source: context.name('10.'),
      domain: `${context.name('inbox')}.example`,
    };
    const isShared = () => random.next() < harder(difficulty, 0.9, 0.4);
    const injected = accounts.flatMap((account): Forged[] => {
      const source = isShared() ? shared.source : context.name('10.');
      const bornMs = Math.floor(random.between(startMs, startMs + (endMs - startMs) / 3));
      const properties = {
        device: isShared() ? shared.device : context.name('dev_'),
        email_domain: shared.domain,
        tier: 'free',
      };
      const signUp = fact(context, account, 'signup', { occurredAtMs: bornMs, source, properties });
      const used = timesIn(random, Math.round(harder(difficulty, 40, 15)), bornMs, endMs).map((occurredAtMs) => {
        const event = { ...copyOf(context, templateOf(context), { occurredAtMs, source }), account };
        return { event, lossNanos: priceOf(event) };
      });
      return [{ event: signUp, lossNanos: 0 }, ...used];
    });
    return { accounts, sources: [], startMs, endMs, injected };
  },
};

const cardTesting: Family = {
  name: 'card_testing',
  about: 'stolen cards are tried with small top-ups, most of which are declined',
  build(context) {
    const { random, difficulty, victim } = context;
    const { startMs, endMs } = stretch(context, harder(difficulty, 10, 30) * HOUR_MS);
    const source = context.name('10.');
    const count = Math.round(harder(difficulty, 50, 14));
    const injected = timesIn(random, count, startMs, endMs).map((occurredAtMs): Forged => {
      const outcome = random.next() < harder(difficulty, 0.8, 0.55) ? 'declined' : 'ok';
      const properties = { outcome, card: context.name('card_') };
      return {
        event: fact(context, victim.account, 'topup', {
          occurredAtMs,
          source,
          quantity: 1 + random.below(3),
          properties,
        }),
        lossNanos: 0,
      };
    });
    return { accounts: [victim.account], sources: [], startMs, endMs, injected };
  },
};

const refundAbuse: Family = {
  name: 'refund_abuse',
  about: 'credit is bought, used up and asked back, again and again',
  build(context) {
    const { random, difficulty, victim, priceOf } = context;
    const { startMs, endMs } = stretch(context, harder(difficulty, 6, 12) * DAY_MS);
    const rounds = Math.max(3, Math.round(harder(difficulty, 8, 4)));
    const source = random.pick([...victim.sources.keys()]);
    const injected: Forged[] = [];
    for (let round = 0; round < rounds; round++) {
      const paidMs = startMs + ((endMs - startMs) * round) / rounds;
      const refundMs = paidMs + random.between(4, 20) * HOUR_MS;
      const quantity = 50 + random.below(4) * 25;
      const card = context.name('card_');
      const at = (occurredAtMs: number) => ({ occurredAtMs: Math.floor(occurredAtMs), source, quantity });
      injected.push({
        event: fact(context, victim.account, 'topup', { ...at(paidMs), properties: { outcome: 'ok', card } }),
        lossNanos: 0,
      });
      for (const occurredAtMs of timesIn(random, 12, paidMs, refundMs)) {
        const event = copyOf(context, templateOf(context), { occurredAtMs });
        injected.push({ event, lossNanos: priceOf(event) });
      }
      injected.push({
        event: fact(context, victim.account, 'refund', { ...at(refundMs), properties: { reason: 'customer' } }),
        lossNanos: 0,
      });
    }
    return { accounts: [victim.account], sources: [], startMs, endMs, injected };
  },
};

/** Accounts and payments are abused rather than meters. */
export const ACCOUNT_ABUSE: readonly Family[] = [credentialStuffing, freeTierFarm, cardTesting, refundAbuse];
