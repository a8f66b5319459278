import {
  captureHold,
  expireHold,
  extendHold,
  type Hold,
  type HoldRefusal,
  type HoldTerms,
  placeHold,
  releaseHold,
  reservedBy,
} from '../../domain/ledger/hold.ts';
import type { WalletHead } from '../../domain/ledger/wallet.ts';
import type { WalletChange } from '../../domain/ledger/wallet-change.ts';
import { type HoldAnswer, holdView, holdViewSchema, refusalAnswer, refuse } from './hold-answer.ts';
import type { HoldRequest } from './hold-request.ts';
import type { StoredHold } from './hold-rows.ts';

/** What becomes of a request: an answer alone, or a hold to write with it. */
export interface HoldVerdict {
  readonly answer: HoldAnswer;
  /** The hold as it is after the request; undefined when nothing changes. */
  readonly hold?: Hold;
  readonly isNew?: boolean;
  /** The debit of a capture. */
  readonly change?: WalletChange;
}

/**
 * Judges one request against the wallet and what is stored under its hold id and key. Pure: whoever calls it has the
 * lane's fence, so that nothing changes between the judgement and the commit.
 */
export function judgeHold(
  request: HoldRequest,
  wallet: WalletHead | undefined,
  stored: StoredHold | undefined,
  overdraftDefault: bigint,
): HoldVerdict {
  const name = JSON.stringify(request.holdId);
  const { ask } = request;
  const hold = stored?.hold;
  if (hold !== undefined && hold.walletId !== request.walletId) {
    return answer(
      ask.do === 'place'
        ? refuse('IDEMPOTENCY_CONFLICT', `The hold id ${name} is taken by a hold of another wallet.`)
        : refuse('HOLD_NOT_FOUND', `This wallet has no hold ${name}.`),
    );
  }
  const { answered } = stored ?? {};
  if (answered !== undefined && answered.key === request.key) {
    if (answered.hash === request.hash) {
      return answer({ ok: true, repeated: true, hold: holdViewSchema.parse(answered.result) });
    }
    const message = `The key ${JSON.stringify(request.key)} of the hold ${name} was used for another request.`;
    return answer(refuse('IDEMPOTENCY_CONFLICT', message));
  }
  if (wallet === undefined) return answer(refuse('WALLET_NOT_FOUND', 'The account has no wallet yet.'));
  if (ask.do === 'place') {
    if (hold !== undefined) {
      return answer(refuse('IDEMPOTENCY_CONFLICT', `The hold ${name} was placed under another key.`));
    }
  } else if (hold === undefined) return answer(refuse('HOLD_NOT_FOUND', `This wallet has no hold ${name}.`));
  return carryOut(request, wallet, hold, { nowMs: request.nowMs, overdraftDefault });
}

function carryOut(request: HoldRequest, wallet: WalletHead, before: Hold | undefined, terms: HoldTerms): HoldVerdict {
  const { ask, holdId, actor } = request;
  const refused = (reason: HoldRefusal, asked?: bigint) =>
    answer(refusalAnswer(reason, { holdId, wallet, hold: before, asked }));
  if (ask.do === 'place') {
    const placed = placeHold(wallet, { ...ask, holdId, actor }, terms);
    return placed.ok ? changed(wallet, undefined, placed.hold) : refused(placed.reason, ask.amount);
  }
  if (before === undefined) throw new RangeError('only placing needs no hold');
  if (ask.do === 'capture') {
    const captured = captureHold(wallet, before, ask.amount, terms);
    if (!captured.ok) return refused(captured.reason, ask.amount);
    const { posted, held } = captured.change.wallet;
    const view = holdView(captured.hold, wallet, posted - held);
    return { answer: accepted(view), hold: captured.hold, isNew: false, change: captured.change };
  }
  if (ask.do === 'expire') {
    const expired = expireHold(wallet, before, terms.nowMs);
    if (expired !== undefined) return changed(wallet, before, expired);
    return answer(accepted(holdView(before, wallet, wallet.posted - wallet.held)));
  }
  const result = ask.do === 'extend' ? extendHold(wallet, before, ask, terms) : releaseHold(before, terms.nowMs);
  if (result.ok) return changed(wallet, before, result.hold);
  return refused(result.reason, ask.do === 'extend' ? ask.amount : undefined);
}

function changed(wallet: WalletHead, before: Hold | undefined, after: Hold): HoldVerdict {
  const available = wallet.posted - wallet.held - reservedBy(after) + reservedBy(before);
  return { answer: accepted(holdView(after, wallet, available)), hold: after, isNew: before === undefined };
}

function accepted(hold: ReturnType<typeof holdView>): HoldAnswer {
  return { ok: true, repeated: false, hold };
}

function answer(given: HoldAnswer): HoldVerdict {
  return { answer: given };
}
