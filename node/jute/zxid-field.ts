/**
 * Reading a zxid or an epoch off the quorum wire. The wire has 64 bits for a zxid, a JavaScript
 * number has 53: an epoch past EPOCH_MAX is refused here, with its reason, and never rounded.
 */
import { EPOCH_MAX, epochOf, type Zxid } from '../core/zxid.ts';
import { JuteError } from './errors.ts';
import type { JuteReader } from './reader.ts';

/** Long.MIN_VALUE: what an observer puts into every field of its vote. */
export const LONG_MIN = -(2 ** 63);

/** A zxid, or -1 for "none". */
export function readZxid(reader: JuteReader, field: string): Zxid {
  const zxid = reader.long();
  if (zxid < -1) throw new JuteError(`${field} ${zxid} is negative`);
  if (epochOf(zxid) > EPOCH_MAX) {
    throw new JuteError(
      `${field} has epoch ${epochOf(zxid)}, above ${EPOCH_MAX}: the ensemble must start afresh`,
    );
  }
  return zxid;
}

/** A zxid of a vote: as `readZxid`, or Long.MIN_VALUE from a peer that does not vote. */
export function readVoteZxid(reader: JuteReader, field: string): Zxid {
  const zxid = reader.long();
  if (zxid === LONG_MIN) return zxid;
  if (zxid < -1 || epochOf(zxid) > EPOCH_MAX) {
    throw new JuteError(`${field} ${zxid} is out of range`);
  }
  return zxid;
}
