import { AppError } from '../../errors.ts';

/** What is erased of an account's people, and how much of it there was. */
export interface Erased {
  readonly contact: number;
  /** Messages to them or about them, as they were written. */
  readonly messages: number;
  readonly drafts: number;
  /** Notes on cases of the account. */
  readonly notes: number;
}

export interface EraseRequest {
  readonly tenant: string;
  readonly account: string;
  readonly reason: string;
  readonly actor: string;
  readonly nowMs: number;
  /** Counts, and leaves everything as it is. */
  readonly dryRun: boolean;
}

/** Erases in one transaction; undefined when there is no such account. */
export type EraseStore = (request: EraseRequest) => Promise<Erased | undefined>;

/**
 * Erases what names the people of an account: how they are reached, what was written to them and about them, and what was noted on
 * their cases. The books stay as they are: they know the account by its id, and name nobody. Done again it finds nothing more.
 * `ACCOUNT_NOT_FOUND`.
 */
export async function erasePeople(erase: EraseStore, request: EraseRequest): Promise<Erased> {
  const erased = await erase(request);
  if (erased !== undefined) return erased;
  throw new AppError('ACCOUNT_NOT_FOUND', `There is no account ${JSON.stringify(request.account)}.`);
}
