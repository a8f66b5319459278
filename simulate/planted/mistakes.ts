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

const LANE = 'src/pipeline/lane';
const ADMIN = 'src/pipeline/admin';
const LEDGER = 'src/domain/ledger';

/** Mistakes in the ledger's own code. Mistakes of a store are flaws of the twin in memory. */
export const MISTAKES: readonly Mistake[] = [
  {
    name: 'held money is free before the commit',
    module: `${LANE}/hold-writer`,
    text: 'group.freed.push({ wallet, amount: -more })',
    mistaken: 'wallet.held += more',
    property: 'what is held is counted',
  },
  {
    name: 'a freeze does not wait for holds in flight',
    module: `${LANE}/lane-writer`,
    text: 'if (record.outbox.length > 0)',
    mistaken: 'if (false)',
    property: 'no hold after a freeze',
  },
  {
    name: 'the residue of a charge is dropped',
    module: `${LANE}/apply-batch`,
    text: 'account.wallet.residue = residueAfter(account.wallet.residue, exact, amount);',
    mistaken: '',
    property: 'the residue is exact',
  },
  {
    name: 'grants are burnt last priority first',
    module: `${LEDGER}/grant`,
    text: 'left.priority - right.priority ||',
    mistaken: 'right.priority - left.priority ||',
    property: 'the model agrees',
  },
  {
    name: 'of two grants the one that ends later is burnt first',
    module: `${LEDGER}/grant`,
    text: '(left.expiresAtMs ?? NEVER) < (right.expiresAtMs ?? NEVER) ? -1 : 1',
    mistaken: '(left.expiresAtMs ?? NEVER) < (right.expiresAtMs ?? NEVER) ? 1 : -1',
    property: 'the model agrees',
  },
  {
    name: 'a grant can be spent at the moment it ends',
    module: `${LEDGER}/grant`,
    text: 'expiresAtMs !== null && expiresAtMs <= nowMs',
    mistaken: 'expiresAtMs !== null && expiresAtMs < nowMs',
    property: 'the model agrees',
  },
  {
    name: 'the limit is off by one',
    module: `${LEDGER}/wallet`,
    text: 'wallet.posted - wallet.held - amount >= -limit',
    mistaken: 'wallet.posted - wallet.held - amount >= -limit - 1n',
    property: 'available stays within the limit',
  },
  {
    name: 'a period of a spending limit begins a millisecond late',
    module: `${LEDGER}/throttle`,
    text: 'Math.floor(nowMs / periodMs) * periodMs',
    mistaken: 'Math.floor((nowMs - 1) / periodMs) * periodMs',
    property: 'the model agrees',
  },
  {
    name: 'a spending limit that is reached exactly is passed',
    module: `${LEDGER}/wallet`,
    text: 'amount <= roomAt(wallet.throttle, nowMs)',
    mistaken: 'amount <= roomAt(wallet.throttle, nowMs) + 1n',
    property: 'the model agrees',
  },
  {
    name: 'the limit is judged before holds',
    module: `${LEDGER}/wallet`,
    text: 'wallet.posted - wallet.held - amount >= -limit',
    mistaken: 'wallet.posted - amount >= -limit',
    property: 'available stays within the limit',
  },
  {
    name: 'the chain is not advanced',
    module: `${LANE}/lane-writer`,
    text: 'memory.chain = await transaction.write(record)',
    mistaken: 'await transaction.write(record)',
    property: 'the chain is unbroken',
  },
  {
    name: "the chain forgets other people's changes",
    module: `${LANE}/take-over`,
    text: 'memory.chain = head.chain;',
    mistaken: '',
    property: 'the chain is unbroken',
  },
  {
    name: 'numbers are skipped',
    module: `${LEDGER}/wallet`,
    text: 'wallet.seq += 1n',
    mistaken: 'wallet.seq += amount === 0n ? 2n : 1n',
    property: 'entries are numbered without gaps',
  },
  {
    name: 'usage is posted to a frozen wallet',
    module: `${LEDGER}/wallet`,
    text: "if (wallet.status !== 'active')\n        return 'frozen'",
    mistaken: "if (wallet.status === 'thawing')\n        return 'frozen'",
    property: 'no usage after a freeze',
  },
  {
    name: 'a refund gives back grants',
    module: `${LEDGER}/adjust-wallet`,
    text: "if (kind === 'refund' && amount > refundable)",
    mistaken: "if (kind === 'refund' && amount > wallet.posted)",
    property: 'a refusal changes nothing',
  },
  {
    name: 'a request sent again is carried out again',
    module: `${ADMIN}/request`,
    text: 'if (known === undefined)',
    mistaken: 'if (true)',
    property: 'the model agrees',
  },
];
