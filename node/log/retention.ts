/**
 * When a snapshot is worth its wear. A snapshot rewrites the whole tree, so it is taken by the log
 * bytes since the last one against the size of a snapshot, never by a transaction count: total
 * writes then stay within 1 + 1 / SNAPSHOT_RATIO of the log, however large the tree.
 */

/** Below this much log, replaying it at start is cheaper than another snapshot. */
export const LOG_BYTES_MIN = 16 * 1024 * 1024;
/** Log bytes for each byte of snapshot. */
export const SNAPSHOT_RATIO = 2;

export function snapshotIsDue(logBytesSinceLast: number, lastSnapshotBytes: number): boolean {
  return logBytesSinceLast >= Math.max(LOG_BYTES_MIN, SNAPSHOT_RATIO * lastSnapshotBytes);
}
