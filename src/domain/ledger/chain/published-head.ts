import { hash } from 'node:crypto';

/** Where a lane stands: how many batches it has, and the root of the tree over their links. */
export interface LaneHead {
  readonly lane: number;
  readonly batches: number;
  readonly root: Buffer;
}

const TITLE = 'tollkeeper-head-1';

/** A head as it is written down: `lane:batches:root`. */
export function formatLaneHead({ lane, batches, root }: LaneHead): string {
  return `${lane}:${batches}:${root.toString('hex')}`;
}

/** A head that somebody wrote down; undefined when the text is none. */
export function parseLaneHead(text: string): LaneHead | undefined {
  const match = /^(\d{1,5}):(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (match === null) return undefined;
  const [, lane, batches, root = ''] = match;
  return { lane: Number(lane), batches: Number(batches), root: Buffer.from(root, 'hex') };
}

/** The one value to publish: SHA-256 over a title line and the heads of all lanes, one a line, in the order given. */
export function headHash(heads: readonly string[]): string {
  return hash('sha256', [TITLE, ...heads].map((line) => `${line}\n`).join(''), 'hex');
}
