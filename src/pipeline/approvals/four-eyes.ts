import { APPROVAL_MS, moneyAtStake } from '../../domain/approvals/approval.ts';
import { derivedId, formatWalletId } from '../../domain/ids.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import { formatMoney } from '../../domain/money/nanos.ts';
import { AppError } from '../../errors.ts';
import type { AdminStore } from '../admin/admin-store.ts';
import { type FreezeRequest, freeze } from '../admin/freeze.ts';
import { type AdminRequest, requestHash } from '../admin/request.ts';
import type { FreezeOutcome, ThawOutcome } from '../admin/results.ts';
import { type ThawRequest, thaw } from '../admin/thaw.ts';
import type { ApprovalStore, HeldChange, HeldOperation } from './approval-store.ts';

/** From how much money on two people are needed, and where the first one's wish waits. */
export interface FourEyes {
  /** Nano-units; undefined when one person may do everything. */
  readonly aboveNanos: bigint | undefined;
  readonly approvals: ApprovalStore;
}

/** Freezes, or asks for a second person: `APPROVAL_NEEDED` names the request. */
export function freezeOrAsk(admin: AdminStore, eyes: FourEyes, request: FreezeRequest) {
  const { hours, reason } = request;
  return orAsk(eyes, request, { do: 'freeze', hours, reason }, (mayChange) => freeze(admin, { ...request, mayChange }));
}

/** Thaws, or asks for a second person: `APPROVAL_NEEDED` names the request. */
export function thawOrAsk(admin: AdminStore, eyes: FourEyes, request: ThawRequest) {
  const { usage, reason, only } = request;
  const operation = { do: 'thaw', usage, reason, ...(only === undefined ? {} : { only: plainOnly(only) }) } as const;
  return orAsk(eyes, request, operation, (mayChange) => thaw(admin, { ...request, mayChange }));
}

/** Says no by throwing, inside the change's own transaction: nothing can slip in between the look and the change. */
class Held extends Error {
  readonly wallet: WalletHead;
  constructor(wallet: WalletHead) {
    super('held for a second person');
    this.wallet = wallet;
  }
}

async function orAsk<T>(
  { aboveNanos, approvals }: FourEyes,
  request: AdminRequest,
  operation: HeldOperation,
  work: (mayChange: (wallet: WalletHead) => void) => Promise<T>,
): Promise<T> {
  try {
    return await work((wallet) => {
      if (aboveNanos !== undefined && moneyAtStake(wallet) > aboveNanos) throw new Held(wallet);
    });
  } catch (error) {
    if (!(error instanceof Held)) throw error;
    throw await asked(approvals, request, { operation, wallet: error.wallet });
  }
}

async function asked(
  approvals: ApprovalStore,
  { key, actor, nowMs, dryRun }: AdminRequest,
  { operation, wallet }: { readonly operation: HeldOperation; readonly wallet: WalletHead },
): Promise<AppError> {
  const { tenant, account, currency } = wallet;
  const atStake = moneyAtStake(wallet);
  const why = `${formatMoney(atStake, currency)} of ${account} is at stake, which takes two people`;
  if (dryRun) return new AppError('APPROVAL_NEEDED', `${why}.`, { fix: 'Leave the dry run out to ask for approval.' });
  const walletId = formatWalletId(wallet.walletId);
  const operationHash = requestHash({ wallet: walletId, operation: JSON.stringify(operation) });
  const kept = await approvals.ask({
    approvalId: derivedId('apr', [tenant, key]),
    tenant,
    account,
    wallet: walletId,
    currency,
    operation,
    operationHash,
    key,
    atStake,
    state: 'pending',
    askedBy: actor,
    askedAtMs: nowMs,
    expiresAtMs: nowMs + APPROVAL_MS,
    decidedBy: null,
    decidedAtMs: null,
  });
  if (kept.operationHash !== operationHash) {
    return new AppError('IDEMPOTENCY_CONFLICT', `The key ${JSON.stringify(key)} was used for another request.`);
  }
  const { approvalId, state, decidedBy } = kept;
  if (state === 'refused') return new AppError('APPROVAL_STATE', `${approvalId} was refused by ${decidedBy}.`);
  return new AppError('APPROVAL_NEEDED', `${why}. It waits as ${approvalId}.`, {
    fix: `Somebody else runs \`tollkeeper approval approve ${approvalId}\` within a day.`,
  });
}

/** Who decides about a request, and when. */
export interface Decision {
  readonly tenant: string;
  readonly approvalId: string;
  readonly actor: string;
  readonly nowMs: number;
}

export interface Approved {
  readonly change: HeldChange;
  readonly result: (FreezeOutcome | ThawOutcome) & { readonly isRepeated: boolean };
}

/**
 * Approves a change and carries it out under the key it was asked with, so that dying in between is mended by approving
 * again, and the first request sent again is answered. `APPROVAL_NOT_FOUND`, `APPROVAL_SAME_PERSON`, `APPROVAL_STATE`.
 */
export async function approve(
  { admin, approvals }: { readonly admin: AdminStore; readonly approvals: ApprovalStore },
  decision: Decision & { readonly overdraftNanos: bigint },
): Promise<Approved> {
  const { tenant, approvalId, nowMs, overdraftNanos } = decision;
  const { key, askedBy, operation, wallet: name } = await decided(approvals, decision, 'approved');
  const request = { key, actor: askedBy, nowMs, dryRun: false, wallet: { tenant, name } };
  const result =
    operation.do === 'freeze'
      ? await freeze(admin, { ...request, hours: operation.hours, reason: operation.reason })
      : await thaw(admin, { ...request, ...operation, overdraftNanos });
  await approvals.finish(tenant, approvalId);
  return { change: await requireApproval(approvals, tenant, approvalId), result };
}

/** Refuses a change; who asked may take it back this way. */
export function refuse(approvals: ApprovalStore, decision: Decision): Promise<HeldChange> {
  return decided(approvals, decision, 'refused');
}

/** A request for approval, or `APPROVAL_NOT_FOUND`. */
async function requireApproval(store: ApprovalStore, tenant: string, approvalId: string): Promise<HeldChange> {
  const found = await store.read(tenant, approvalId);
  if (found !== undefined) return found;
  throw new AppError('APPROVAL_NOT_FOUND', `Nothing waits for approval as ${JSON.stringify(approvalId)}.`);
}

async function decided(store: ApprovalStore, decision: Decision, as: 'approved' | 'refused'): Promise<HeldChange> {
  const { tenant, approvalId, actor, nowMs } = decision;
  const done = await store.decide({ tenant, approvalId, actor, nowMs, as });
  const change = await requireApproval(store, tenant, approvalId);
  if (done === undefined || done.ok) return change;
  if (done.reason === 'same_person') {
    throw new AppError('APPROVAL_SAME_PERSON', `${change.askedBy} asked for ${approvalId} and cannot approve it.`);
  }
  const what = done.reason === 'expired' ? 'has expired' : `is ${change.state}`;
  throw new AppError('APPROVAL_STATE', `${approvalId} ${what}.`);
}

function plainOnly({ filter, rest }: NonNullable<ThawRequest['only']>) {
  const { meter, source, fromMs, toMs } = filter;
  return {
    filter: {
      ...(meter === undefined ? {} : { meter }),
      ...(source === undefined ? {} : { source }),
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
    },
    rest,
  };
}
