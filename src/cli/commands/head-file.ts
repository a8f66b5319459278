import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { headHash, parseLaneHead } from '../../domain/ledger/chain/published-head.ts';
import { AppError } from '../../errors.ts';
import { parseJsonObject } from '../../json-object.ts';

const schema = z.object({ hash: z.string(), lanes: z.array(z.string()) });

/** A published head as `ledger head --json` printed it: one hash, and the heads of the lanes it was made of. */
export type HeadFile = z.infer<typeof schema>;

/** Reads a head; the lanes must make the hash. */
export async function readHeadFile(path: string): Promise<HeadFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new AppError('FILE_UNREADABLE', `${path} cannot be read.`, { cause });
  });
  const parsed = schema.safeParse(parseJsonObject(text));
  const fix = 'Give a file that `tollkeeper ledger head --json` has printed.';
  if (!parsed.success) throw new AppError('STATEMENT_INVALID', `${path} is not a published head.`, { fix });
  const { hash, lanes } = parsed.data;
  if (lanes.some((lane) => parseLaneHead(lane) === undefined) || headHash(lanes) !== hash) {
    throw new AppError('STATEMENT_INVALID', `${path}: the heads of the lanes do not make its hash.`, { fix });
  }
  return parsed.data;
}
