import type { Property } from '../checks.ts';

/** One mistake that somebody could make in the ledger's code, and what must notice it. */
export interface Mistake {
  readonly name: string;
  /** The module it is in, without its ending. */
  readonly module: string;
  /** Text of the compiled module, there exactly once, and what stands there by mistake. */
  readonly text: string;
  readonly mistaken: string;
  /** The property that says it best, among those that were broken when it was noticed. */
  readonly property: Property;
}

type Planted = readonly [name: string, text: string, mistaken: string, property: Property];

const ANSWER = 'an answer is true';
const MODEL = 'the model agrees';
const LIMIT = 'available stays within the limit';
const CHAIN = 'the chain is unbroken';
const ON = 'somebody can always go on';

/** By module. Mistakes of a store are flaws of the twin in memory. */
const BY_MODULE: Readonly<Record<string, readonly Planted[]>> = {
  'src/domain/ledger/wallet': [
    ['the limit is off by one', 'held - amount >= -limit', 'held - amount >= -limit - 1n', LIMIT],
    ['the limit is judged before holds', 'wallet.posted - wallet.held - amount >=', 'wallet.posted - amount >=', LIMIT],
    [
      'a spending limit is passed by one',
      'roomAt(wallet.throttle, nowMs) ?',
      'roomAt(wallet.throttle, nowMs) + 1n ?',
      MODEL,
    ],
    ['numbers are skipped', 'wallet.seq += 1n', 'wallet.seq += amount ? 1n : 2n', 'entries are numbered without gaps'],
    [
      'usage is posted to a frozen wallet',
      "if (wallet.status !== 'active')\n        return 'frozen'",
      "if (wallet.status === 'thawing')\n        return 'frozen'",
      'no usage after a freeze',
    ],
    [
      'grants keep what was burnt',
      '    wallet.grants = grants;\n    return burns;',
      '    return burns;',
      'grants never exceed the balance',
    ],
  ],
  'src/domain/ledger/grant': [
    [
      'grants are burnt last priority first',
      'left.priority - right.priority ||',
      'right.priority - left.priority ||',
      MODEL,
    ],
    ['the grant that ends later is burnt first', '?? NEVER) ? -1 : 1', '?? NEVER) ? 1 : -1', MODEL],
    ['a grant can be spent as it ends', 'expiresAtMs <= nowMs', 'expiresAtMs < nowMs', MODEL],
    ['paid credit is spent before presents', 'grant.priority < BASE_PRIORITY ||', 'false ||', MODEL],
  ],
  'src/domain/ledger/throttle': [
    ['a period begins a millisecond late', 'Math.floor(nowMs / periodMs)', 'Math.floor((nowMs - 1) / periodMs)', MODEL],
    ['a new limit forgets what was spent', 'spend(throttle, 0n, nowMs), limit', 'throttle, spent: 0n, limit', MODEL],
    ['a limit is told twice', 'told.sequence === statusSequence &&', 'told.sequence + 1 === statusSequence &&', MODEL],
  ],
  'src/domain/ledger/expire-grants': [
    ['credit that a hold counts on ends', 'let free = wallet.posted - wallet.held', 'let free = wallet.posted', MODEL],
  ],
  'src/domain/ledger/adjust-wallet': [
    [
      'a refund gives back grants',
      "kind === 'refund' && amount > refundable",
      "kind === 'refund' && amount > wallet.posted",
      'a refusal changes nothing',
    ],
    ['the other side has the wrong sign', 'amount: -signed', 'amount: signed', 'transactions sum to zero'],
  ],
  'src/domain/ledger/lateness': [
    ['closed days take usage', '|| occurredAtMs < entriesFromMs', '', MODEL],
    [
      'usage is too late a millisecond early',
      'occurredAtMs < nowMs - lateWindowMs',
      'occurredAtMs <= nowMs - lateWindowMs',
      MODEL,
    ],
  ],
  'src/domain/ledger/release-usage': [
    [
      'what waits is posted last come first',
      'for (const row of usage)',
      'for (const row of [...usage].reverse())',
      MODEL,
    ],
    [
      'the residue of released usage is dropped',
      'head.residue = residueAfter(head.residue, exact, charge);',
      '',
      'the residue is exact',
    ],
  ],
  'src/domain/ledger/correct-charge': [
    [
      'a correction charges a frozen wallet',
      "debit > 0n && wallet.status !== 'active'",
      'false',
      'a refusal changes nothing',
    ],
    [
      'a correction is judged before holds',
      'wallet.posted - wallet.held - debit',
      'wallet.posted - debit',
      'a refusal changes nothing',
    ],
  ],
  'src/domain/ledger/hold': [
    [
      'a capture does not count for the period',
      'spend(wallet.throttle, amount, terms.nowMs)',
      'wallet.throttle',
      MODEL,
    ],
    ['a hold is captured as it ends', '&& nowMs >= hold.expiresAtMs', '&& nowMs > hold.expiresAtMs', MODEL],
    [
      'closed holds are closed again',
      "if (hold.state !== 'open')\n        return hold.state;",
      '',
      'a hold is closed once',
    ],
  ],
  'src/domain/ledger/judge-set': [
    ['a set charges a frozen wallet', "if (wallet.status !== 'active')", 'if (false)', ANSWER],
    ['a set spends what grants hold', 'if (wallet.hasGrants)', 'if (false)', ANSWER],
    ['a set posts to closed days', 'if (row.key.timeMs < entriesFromMs)', 'if (false)', ANSWER],
  ],
  'src/pipeline/admin/post-set': [
    ['a set forgets what was posted before', 'if (known.size > 0)', 'if (false)', ANSWER],
    ['a set never looks keys up', '? NONE :', '|| attempt < 3 ? NONE :', ANSWER],
  ],
  'src/pipeline/admin/request': [
    ['a request sent again is carried out again', 'if (known === undefined)', 'if (true)', 'a refusal changes nothing'],
  ],
  'src/pipeline/admin/correct-event': [
    ['a correction is posted twice', 'if (known !== undefined)', 'if (false)', 'a refusal changes nothing'],
    ['a void event is corrected', "?.kind !== 'void'", "?.kind !== 'none'", 'a refusal changes nothing'],
    ['a credit posts nothing that waits', 'if (credit <= 0n ||', 'if (true ||', MODEL],
  ],
  'src/pipeline/admin/settle-round': [
    [
      'quarantine is posted out of order',
      '[...duplicates, ...postable]',
      '[...duplicates, ...postable.reverse()]',
      MODEL,
    ],
    ['later usage overtakes what did not fit', 'progress.isFull ? duplicates :', 'false ? duplicates :', MODEL],
    [
      'quarantine is posted to a frozen wallet',
      "if (wallet.status !== 'active')",
      'if (false)',
      'no usage after a freeze',
    ],
    ['a void breaks what a thaw promised', "wallet.status === 'thawing'", 'false', MODEL],
    [
      'what is void is closed as a copy',
      "{ status: 'void', by: actor",
      "{ status: 'duplicate', by: actor",
      'the stored books are the model',
    ],
  ],
  'src/pipeline/admin/adjust': [['a reinstatement releases nothing', 'after.posted > before.posted', 'false', MODEL]],
  'src/pipeline/holds/judge-hold': [
    ['a request about a hold is carried out again', 'answered.key === request.key', 'false', ANSWER],
  ],
  'src/pipeline/lane/apply-batch': [
    [
      'the residue of a charge is dropped',
      'account.wallet.residue = residueAfter(account.wallet.residue, exact, amount);',
      '',
      'the residue is exact',
    ],
    ['a refused event claims its id', 'forgetRefused(input.events, input.identities, index);', '', MODEL],
  ],
  'src/pipeline/lane/decide': [
    [
      'an account is judged once a batch',
      'if (judgement === null)',
      'if (judgement === null || batch.decisions.some((one) => one.wallet === wallet))',
      'any split gives the same books',
    ],
  ],
  'src/pipeline/lane/hold-writer': [
    ['batches wait for holds for ever', '            landed();', '            ;', ON],
    [
      'holds do not see what others changed',
      'await applyOutsideChanges(memory, transaction);',
      '',
      'what is held is counted',
    ],
  ],
  'src/pipeline/lane/judge-hold-group': [
    [
      'held money is free before the commit',
      'group.freed.push({ wallet, amount: -more })',
      'wallet.held += more',
      'what is held is counted',
    ],
    ['reservations are not counted in memory', '            wallet.held += more;', '            ;', LIMIT],
  ],
  'src/pipeline/lane/lane-writer': [
    ['batches keep their turn for ever', 'endTurn(true);', ';', ON],
    [
      'a freeze does not wait for holds in flight',
      'if (record.outbox.length > 0)',
      'if (false)',
      'no hold after a freeze',
    ],
    [
      'the chain is not advanced',
      'memory.chain = await transaction.write(record)',
      'await transaction.write(record)',
      CHAIN,
    ],
    ['jobs of one batch get one answer', 'offset += submission.events.length;', '', ANSWER],
  ],
  'src/pipeline/lane/take-over': [
    ["the chain forgets other people's changes", 'memory.chain = head.chain;', '', CHAIN],
    ['a takeover remembers no keys', 'for (const key of claim.recentKeys)', 'for (const key of [])', MODEL],
    ['what others changed is never seen', 'Object.assign(known.wallet, wallet);', '', MODEL],
  ],
  'src/pipeline/lane/moving-sources': [
    ['identities of quarantined usage are not kept', "status !== 'altered' &&", "status === 'posted' &&", MODEL],
    ['a copy under another time is posted', 'seen === undefined || seen.size === 0', 'true', MODEL],
  ],
  'src/pipeline/lane/wallet-state': [
    ['a freeze ends a millisecond late', 'nowMs < wallet.frozenUntilMs', 'nowMs <= wallet.frozenUntilMs', MODEL],
    [
      'rules freeze for too short',
      'wallet.frozenUntilMs = effect.untilMs;',
      'wallet.frozenUntilMs = effect.untilMs - 1;',
      MODEL,
    ],
  ],
};

/** Mistakes in the ledger's own code, one line each. */
export const MISTAKES: readonly Mistake[] = Object.entries(BY_MODULE).flatMap(([module, planted]) =>
  planted.map(([name, text, mistaken, property]) => ({ name, module, text, mistaken, property })),
);
