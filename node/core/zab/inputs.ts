/**
 * Everything that can happen to a Zab peer. The runtime and the simulator turn sockets, timers and
 * disk completions into these; `ZabPeer.step` is the only door.
 */
import type { Zxid } from '../zxid.ts';
import type { ZabMessage } from './messages.ts';
import type { Notification } from './vote.ts';

export type Input =
  /** Recovery is over: begin to look for a leader. */
  | { readonly type: 'start' }
  /** Time has passed; sent when `deadlineMs` is reached. */
  | { readonly type: 'tick' }
  /** From the election port. */
  | { readonly type: 'notification'; readonly from: number; readonly notification: Notification }
  /** The connection to a peer's election port is up, or lost: it has ended or is cut off. */
  | { readonly type: 'electionLink'; readonly sid: number; readonly isUp: boolean }
  /** A learner has dialled this peer's quorum port. */
  | { readonly type: 'linkAccepted'; readonly link: number }
  /** The dial of attempt `attempt` succeeded. */
  | { readonly type: 'linkUp'; readonly attempt: number; readonly link: number }
  | { readonly type: 'dialFailed'; readonly attempt: number; readonly reason: string }
  | { readonly type: 'linkDown'; readonly link: number; readonly reason: string }
  /** Bytes of a large message (a snapshot) are arriving: the other side is alive. */
  | { readonly type: 'linkActive'; readonly link: number }
  | { readonly type: 'message'; readonly link: number; readonly message: ZabMessage }
  /** The append with this token, and all before it, are on the medium. */
  | { readonly type: 'durable'; readonly token: number }
  /** The snapshot of `installSnapshot` is on the medium. */
  | { readonly type: 'snapshotInstalled'; readonly token: number }
  /** Leader only: the next transaction, encoded. `zxid` must be `nextZxid()`. */
  | { readonly type: 'propose'; readonly zxid: Zxid; readonly txn: Uint8Array }
  /** Leader only: tell me when all that is proposed now has been committed. */
  | { readonly type: 'sync'; readonly token: number }
  /** Learner only: a message for the leader (request, revalidate). */
  | { readonly type: 'toLeader'; readonly message: ZabMessage }
  /** Leader or learner: give up the role and look for a leader. */
  | { readonly type: 'resign'; readonly reason: string }
  /** Stop taking part: close everything and say nothing more. */
  | { readonly type: 'stop' };
