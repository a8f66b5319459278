/**
 * Takes the locks of a reader that looks at the days' tables and at the archive's figures as they were at one moment. Before
 * the transaction's first look, so that no day is archived between the look and its entries being read.
 *
 * The second table is a gate for days that are attached again (`restoreEntries`): attaching alone conflicts with no reader,
 * and a commit can be seen by a snapshot a moment before the news of the new partition arrives. Such a reader would
 * believe that the day is in the table, and not find the table.
 */
export const LOCK_MOMENT = 'lock table entry, archived_batch_day in access share mode';

/** Waits for every such reader, and keeps new ones out until the transaction's end and the news of it. */
export const CLOSE_MOMENTS = 'lock table archived_batch_day in access exclusive mode';
