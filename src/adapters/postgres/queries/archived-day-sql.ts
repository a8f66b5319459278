/** SQL: whether the entry of a key is in an archived day, by the time at the front of the key. */
export function isArchivedSql(key: string): string {
  return `exists (select from archived_day a where a.state = 'archived' and a.day = (to_timestamp(
    ('x' || left(replace(${key}::text, '-', ''), 12))::bit(48)::bigint / 1000) at time zone 'UTC')::date)`;
}
