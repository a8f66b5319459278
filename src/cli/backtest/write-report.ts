import { writeFile } from 'node:fs/promises';
import { AppError } from '../../errors.ts';

/** Writes a report; a path that cannot be written is wrong usage. */
export async function writeReport(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `${path} cannot be written.`, { cause });
  }
}
