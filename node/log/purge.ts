/**
 * Removing what is not needed to recover. Segments go oldest first and each removal is flushed
 * before the next, so that no power cut leaves a gap between two segments; the snapshots that
 * belonged to them go afterwards, so that there is always a base for the segments that exist.
 */
import path from 'node:path';
import type { Zxid } from '../core/zxid.ts';
import type { Disk, Done } from './disk.ts';
import type { SegmentInfo } from './journal.ts';
import { segmentName } from './segment-header.ts';
import { snapshotZxid } from './snapshot-format.ts';

/** Takes the removed segments out of `segments`. The last one, which is open, always stays. */
export function purgeSegments(
  disk: Disk,
  directory: string,
  segments: SegmentInfo[],
  neededAbove: Zxid,
  done: Done,
): void {
  const [oldest, next] = segments;
  // Only when the successor starts at or below what is needed is nothing lost with the oldest.
  if (oldest === undefined || next === undefined || next.startLast > neededAbove) {
    return done(null);
  }
  removeDurably(disk, directory, segmentName(oldest.seq), (error) => {
    if (error !== null) return done(error);
    segments.shift();
    purgeSegments(disk, directory, segments, neededAbove, done);
  });
}

export function purgeSnapshots(disk: Disk, directory: string, oldest: Zxid, done: Done): void {
  const names = disk.listSync(directory).filter((name) => {
    const zxid = snapshotZxid(name);
    return zxid !== null && zxid < oldest;
  });
  const removeNext = (error: Error | null): void => {
    const name = names.shift();
    if (error !== null || name === undefined) return done(error);
    removeDurably(disk, directory, name, removeNext);
  };
  removeNext(null);
}

function removeDurably(disk: Disk, directory: string, name: string, done: Done): void {
  disk.remove(path.join(directory, name), (error) => {
    if (error !== null) return done(error);
    disk.syncDirectory(directory, done);
  });
}
