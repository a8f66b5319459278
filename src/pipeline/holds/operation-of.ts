import type { HoldAnswer } from './hold-answer.ts';
import type { HoldRequest } from './hold-request.ts';
import type { HoldOperation } from './hold-rows.ts';

/** What is kept of a request that was carried out; a refusal may turn out otherwise next time, so it is not kept. */
export function operationOf(request: HoldRequest, answer: HoldAnswer, isOfNewHold: boolean): HoldOperation | undefined {
  const { tenant, holdId, key, hash, actor, reason, nowMs: atMs, ask } = request;
  if (!answer.ok || answer.repeated || ask.do === 'expire') return undefined;
  return { tenant, holdId, key, hash, operation: ask.do, result: answer.hold, actor, reason, atMs, isOfNewHold };
}
