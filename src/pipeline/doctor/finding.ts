/** One line of `doctor`: what was looked at, how it is, and what to do about it. */
export interface Finding {
  readonly area: 'config' | 'versions' | 'rules' | 'database' | 'lanes' | 'redis' | 'queues' | 'disk' | 'replay';
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** Present unless the status is `ok`. */
  readonly fix?: string;
}

/** A finding that needs nothing. */
export function ok(area: Finding['area'], message: string): Finding {
  return { area, status: 'ok', message };
}

/** A finding to know about. */
export function warn(area: Finding['area'], message: string, fix: string): Finding {
  return { area, status: 'warn', message, fix };
}

/** A finding that keeps promises from being kept: `doctor` exits 1. */
export function fail(area: Finding['area'], message: string, fix: string): Finding {
  return { area, status: 'fail', message, fix };
}
