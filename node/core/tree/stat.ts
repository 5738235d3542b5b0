/** The Stat record that a client sees (68 bytes on the wire). */
import type { SessionId } from '../session-id.ts';
import type { Zxid } from '../zxid.ts';

export interface Stat {
  readonly czxid: Zxid;
  readonly mzxid: Zxid;
  /** Milliseconds since 1970, as the leader's clock had it. */
  readonly ctime: number;
  readonly mtime: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** NO_SESSION unless the znode is ephemeral. */
  readonly ephemeralOwner: SessionId;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: Zxid;
}
