import type { CaseFile, CaseSeverity, Resolution } from '../../domain/cases/case.ts';

/** Something that came up about an account and belongs into a case. */
export interface LooseItem {
  readonly kind: 'alert' | 'money';
  readonly ref: string;
  readonly tenant: string;
  readonly account: string;
  readonly severity: CaseSeverity;
  readonly title: string;
  readonly atMs: number;
}

export interface CaseItem {
  readonly kind: 'alert' | 'money';
  readonly ref: string;
  readonly title: string;
  /** As the alert or the money case stands now. */
  readonly status: string;
  readonly addedAtMs: number;
}

export interface CaseEvent {
  readonly atMs: number;
  readonly actor: string;
  readonly action: 'opened' | 'added' | 'assigned' | 'note' | 'resolved' | 'reopened';
  readonly detail: string;
}

export interface CaseDetail {
  readonly file: CaseFile;
  readonly items: readonly CaseItem[];
  readonly events: readonly CaseEvent[];
}

/** Cases on their way from opened to resolved. */
export interface CaseFileStore {
  /** Open alerts and money cases of accounts that are in no case yet; the oldest first. */
  readonly loose: (limit: number) => Promise<readonly LooseItem[]>;
  /** Puts an item into its account's open case, or opens one; false when it is in a case already. */
  readonly gather: (item: LooseItem, nowMs: number) => Promise<boolean>;
  readonly list: (query: {
    readonly tenant: string;
    readonly state?: CaseFile['state'];
    readonly assignee?: string;
    readonly after?: { readonly openedAtMs: number; readonly caseId: string };
    readonly limit: number;
  }) => Promise<readonly CaseFile[]>;
  readonly read: (tenant: string, caseId: string) => Promise<CaseDetail | undefined>;
  /** False when the case is not open. */
  readonly assign: (change: CaseChange & { readonly assignee: string | null }) => Promise<boolean>;
  /** Also on a resolved case. False when there is none. */
  readonly note: (change: CaseChange & { readonly text: string }) => Promise<boolean>;
  readonly resolve: (
    change: CaseChange & { readonly resolution: Resolution; readonly reason: string },
  ) => Promise<boolean>;
  /** False when the case is not resolved, or the account has another open one. */
  readonly reopen: (change: CaseChange & { readonly reason: string }) => Promise<boolean>;
}

export interface CaseChange {
  readonly tenant: string;
  readonly caseId: string;
  readonly actor: string;
  readonly nowMs: number;
  /** Makes the request known: sent again it changes nothing, and for something else it is an `IDEMPOTENCY_CONFLICT`. */
  readonly key: string;
}
