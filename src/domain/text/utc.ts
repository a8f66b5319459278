const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** A time for people: `3 Mar 14:02 UTC`, with the year when asked. */
export function formatUtc(ms: number, options: { readonly year?: boolean } = {}): string {
  return `${formatUtcDay(ms)}${options.year === true ? ` ${new Date(ms).getUTCFullYear()}` : ''} ${formatUtcTime(ms)}`;
}

/** `14:02 UTC`. */
export function formatUtcTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 16)} UTC`;
}

/** `3 Mar`. */
export function formatUtcDay(ms: number): string {
  const date = new Date(ms);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''}`;
}
