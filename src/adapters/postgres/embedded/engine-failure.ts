import { AppError, type ErrorCode } from '../../../errors.ts';

// initdb and postgres speak to us only through text on stderr, in the C locale that we force. These are the few
// sentences that lead to a different fix; everything else stays a general failure with the text beside it.
const KNOWN_SENTENCES: readonly { readonly pattern: RegExp; readonly code: ErrorCode }[] = [
  { pattern: /No space left on device|Disk quota exceeded/, code: 'ENGINE_DISK_FULL' },
  { pattern: /could not bind IPv4 address .*Address already in use/, code: 'ENGINE_PORT_IN_USE' },
  { pattern: /database files are incompatible with server/, code: 'ENGINE_DATA_VERSION' },
];

const DISK_FULL_ERRNOS: readonly string[] = ['ENOSPC', 'EDQUOT'];
const NOT_ALLOWED_ERRNOS: readonly string[] = ['EACCES', 'EPERM', 'EROFS'];

/** The error for output that a PostgreSQL program left behind when it failed. */
export function failureFromOutput(doing: string, output: string): AppError {
  const code = KNOWN_SENTENCES.find(({ pattern }) => pattern.test(output))?.code ?? 'ENGINE_UNAVAILABLE';
  return new AppError(code, `${doing} failed: ${mainSentence(output)}`);
}

/**
 * The error for a file system call that failed while the engine's directories were prepared; `otherFix` is for failures that
 * have no fix of their own.
 */
export function failureFromErrno(doing: string, cause: unknown, otherFix?: string): AppError {
  if (cause instanceof AppError) return cause;
  const errno = errnoOf(cause);
  // Whoever shows the error adds the words of its cause.
  const message = `${doing} failed`;
  if (errno !== undefined && DISK_FULL_ERRNOS.includes(errno))
    return new AppError('ENGINE_DISK_FULL', message, { cause });
  if (errno !== undefined && NOT_ALLOWED_ERRNOS.includes(errno)) {
    const fix = 'Make it writable for this user, or point TOLLKEEPER_DATA_DIR at a directory this user may write to.';
    return new AppError('ENGINE_UNAVAILABLE', message, { fix, cause });
  }
  return new AppError('ENGINE_UNAVAILABLE', message, { cause, ...(otherFix === undefined ? {} : { fix: otherFix }) });
}

/** The `code` of a Node system error (`ENOENT`, `EACCES`, …), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** PostgreSQL's own verdict: its FATAL or error line, else the last thing it said. */
function mainSentence(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const spoken = lines.filter((line) => line !== '');
  const verdicts = spoken.filter((line) => /(FATAL|PANIC|error|could not)/.test(line));
  return verdicts[0] ?? spoken.at(-1) ?? 'the program said nothing';
}
