import type { Resolution } from '../../domain/cases/case.ts';
import { AppError } from '../../errors.ts';
import type { CaseStore } from '../admin/case-store.ts';
import { closeAlert } from '../admin/close-alert.ts';
import type { MoneyStore } from '../stripe/money-store.ts';
import type { CaseChange, CaseDetail, CaseFileStore } from './case-file-store.ts';

const PAGE = 200;

/** Puts what came up into cases, an account at a time; how much. Repeating it, or doing it twice at once, changes nothing. */
export async function gatherCases(store: CaseFileStore, now: () => number): Promise<number> {
  let gathered = 0;
  for (const item of await store.loose(PAGE)) if (await store.gather(item, now())) gathered += 1;
  return gathered;
}

/** What resolving works with. */
export interface Resolving {
  readonly cases: CaseFileStore;
  readonly admin: CaseStore;
  readonly money: Pick<MoneyStore, 'closeCase'>;
}

export interface ResolveRequest extends CaseChange {
  readonly resolution: Resolution;
  readonly reason: string;
}

/**
 * Ends a case with what was found. Its open alerts are closed with the same verdict, so that baselines and rules learn from it, and
 * its money cases with the reason. The alerts first: dying in between leaves an open case that can be resolved again.
 * `CASE_NOT_FOUND`, `CASE_STATE`.
 */
export async function resolveCase({ cases, admin, money }: Resolving, request: ResolveRequest): Promise<CaseDetail> {
  const { tenant, caseId, actor, nowMs, resolution, reason, key } = request;
  const { file, items } = await requireCase(cases, tenant, caseId);
  if (file.state === 'resolved') {
    // The same request again is answered like the first.
    if (file.resolution === resolution) return requireCase(cases, tenant, caseId);
    throw new AppError('CASE_STATE', `The case ${caseId} was resolved as ${file.resolution}.`);
  }
  // Alerts of one incident are closed together, as duplicates of the first: closing those again would count them twice.
  const closed = new Set<string>();
  for (const { kind, ref, status } of items) {
    if (status !== 'open' || closed.has(ref)) continue;
    if (kind === 'money') await money.closeCase(ref, actor, reason, nowMs);
    else if (resolution !== 'other') {
      const close = {
        tenant,
        alertId: ref,
        verdict: resolution,
        reason,
        key: `${key}-${ref}`,
        actor,
        nowMs,
        dryRun: false,
      };
      for (const duplicate of (await closeAlert(admin, close)).duplicates) closed.add(duplicate);
    }
  }
  if (!(await cases.resolve({ tenant, caseId, actor, nowMs, key, resolution, reason }))) {
    throw new AppError('CASE_STATE', `The case ${caseId} is not open any more.`);
  }
  return requireCase(cases, tenant, caseId);
}

/** A case, or `CASE_NOT_FOUND`. */
export async function requireCase(store: CaseFileStore, tenant: string, caseId: string): Promise<CaseDetail> {
  const found = await store.read(tenant, caseId);
  if (found !== undefined) return found;
  throw new AppError('CASE_NOT_FOUND', `There is no case ${JSON.stringify(caseId)}.`, {
    fix: 'List cases with `tollkeeper case list`.',
  });
}
