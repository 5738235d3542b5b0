/**
 * How a leader brings one learner to its own history: DIFF, TRUNC or SNAP. The choice goes by
 * membership (does my history hold the learner's last transaction?), never by whether a number lies
 * between two others, because transactions of a deposed leader do lie there (ZOOKEEPER-1154).
 */
import { counterOf, epochOf, type Zxid } from '../zxid.ts';
import type { History } from './history.ts';

export type SyncPlan =
  /** Entries after `from` follow; `zxid` is what the learner will have as committed. */
  | { readonly type: 'diff'; readonly zxid: Zxid; readonly from: Zxid }
  /** The learner first drops everything above `zxid`. */
  | { readonly type: 'trunc'; readonly zxid: Zxid; readonly from: Zxid }
  | { readonly type: 'snap' };

/**
 * @param lastZxid what the learner has said is its last zxid
 * @param syncPoint the zxid up to which the learner is brought by committed transactions
 */
export function planSync(history: History, lastZxid: Zxid, syncPoint: Zxid): SyncPlan {
  const common = commonPrefix(history, lastZxid);
  if (common === null) return { type: 'snap' };
  // What is proposed but not committed is sent again behind the cut, as ZooKeeper's leader does.
  const from = Math.min(common.zxid, syncPoint);
  if (from < common.zxid || common.mustCut) {
    // Apache's learner truncates by reading its log up to the first record at or above the zxid,
    // and keeps that record. Where no transaction has the zxid it would keep one too many.
    return counterOf(from) === 0 ? { type: 'snap' } : { type: 'trunc', zxid: from, from };
  }
  return { type: 'diff', zxid: syncPoint, from };
}

interface Common {
  readonly zxid: Zxid;
  /** The learner has more than that. */
  readonly mustCut: boolean;
}

function commonPrefix(history: History, lastZxid: Zxid): Common | null {
  if (history.contains(lastZxid)) return { zxid: lastZxid, mustCut: false };
  if (counterOf(lastZxid) === 0) {
    // The learner has joined this epoch and logged nothing in it: it holds what that epoch began
    // with. If this peer did not join it, what that was is unknown here.
    const base = history.baseOfEpoch(epochOf(lastZxid));
    if (base === undefined || !history.contains(base)) return null;
    return { zxid: base, mustCut: false };
  }
  // A log that holds (e, c) holds all of e before c: the newest of e that this history has is
  // common. Across an epoch boundary nothing is known, and a TRUNC there would be a guess.
  const floor = history.floor(lastZxid);
  if (floor === null || epochOf(floor) !== epochOf(lastZxid)) return null;
  return { zxid: floor, mustCut: true };
}
