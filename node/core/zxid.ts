/**
 * Transaction ids. A zxid is `epoch << 32 | counter`; a JavaScript number holds it exactly while
 * the epoch is below 2^21, and a peer refuses to go past that. The counter of a logged transaction
 * starts at 1: `(epoch, 0)` names the moment at which an epoch begins, never a transaction.
 */
import { invariant } from './invariant.ts';

/** `epoch * 2^32 + counter`. -1 is ZooKeeper's "none". */
export type Zxid = number;

const COUNTERS = 2 ** 32;

/** The largest epoch whose zxids are exact in a double. */
export const EPOCH_MAX = 2 ** 21 - 1;

/** The last counter a leader may assign; after it a new epoch must begin (ZOOKEEPER-1277). */
export const COUNTER_MAX = COUNTERS - 1;

export function makeZxid(epoch: number, counter: number): Zxid {
  invariant(epoch >= 0 && epoch <= EPOCH_MAX, 'epoch fits in a zxid', { epoch });
  invariant(counter >= 0 && counter <= COUNTER_MAX, 'counter fits in a zxid', { counter });
  return epoch * COUNTERS + counter;
}

export function epochOf(zxid: Zxid): number {
  return Math.floor(zxid / COUNTERS);
}

export function counterOf(zxid: Zxid): number {
  return zxid - epochOf(zxid) * COUNTERS;
}

/** As ZooKeeper prints it: `0x` and lower-case hexadecimal; -1 as the 64-bit pattern. */
export function formatZxid(zxid: Zxid): string {
  return zxid < 0 ? `0x${BigInt.asUintN(64, BigInt(zxid)).toString(16)}` : `0x${zxid.toString(16)}`;
}
