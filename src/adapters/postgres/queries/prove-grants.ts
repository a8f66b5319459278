import type pg from 'pg';
import type { Proof } from '../../../pipeline/queries/queries.ts';
import { countAway, replayGrants } from './replay-grants.ts';

/**
 * Credit in grants is what was given less what every batch took, it is never more than the balance of its wallet, and
 * playing each wallet's history again takes the same from the same grants.
 */
export async function proveGrants(client: pg.PoolClient): Promise<Proof> {
  const { rows } = await client.query<{
    grants: bigint;
    off_burns: bigint;
    off_balance: bigint;
    examples: string[] | null;
  }>(
    `with burnt as (
       select grant_id, sum(amount) as amount from grant_burn group by grant_id
     ), checked as (
       select g.grant_id, g.wallet_id, g.remaining, g.remaining <> g.amount - coalesce(b.amount, 0) as off_burns
       from credit_grant g left join burnt b using (grant_id)
     ), held as (
       select wallet_id, sum(remaining) as granted from credit_grant where remaining > 0 group by wallet_id
     )
     select (select count(*) from checked) as grants, (select count(*) from checked where off_burns) as off_burns,
       (select count(*) from held join wallet w using (wallet_id) where held.granted > w.posted) as off_balance,
       (select (array_agg(grant_id order by grant_id))[1:3] from checked where off_burns) as examples`,
  );
  const { grants = 0n, off_burns = 0n, off_balance = 0n, examples = null } = rows[0] ?? {};
  const replayed = await replayGrants(client);
  const away = await countAway(client);
  const wrong = [
    ...(off_burns === 0n
      ? []
      : [`${off_burns} grants have another rest than their burns leave (${examples?.join(', ')})`]),
    ...(replayed.size === 0
      ? []
      : [
          `${replayed.size} grants were spent otherwise than in burn order (${[...replayed].sort().slice(0, 3).join(', ')})`,
        ]),
    ...(off_balance === 0n ? [] : [`${off_balance} wallets have more in grants than they hold`]),
  ];
  return {
    name: 'grants are what was given less what was spent',
    ok: wrong.length === 0,
    detail: [
      `${grants} grants`,
      ...(away === 0n ? [] : [`${away} wallets with archived entries are not played again`]),
      ...wrong,
    ].join('; '),
  };
}
