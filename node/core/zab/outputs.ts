/**
 * Everything a Zab peer asks of the world, as plain data in the order in which it must be carried
 * out. A promise (an ACK, an ACKEPOCH) is put out only after the input that says the write behind
 * it is durable, so whoever carries outputs out has no ordering duty it could get wrong.
 */
import type { Facts } from '../invariant.ts';
import type { Zxid } from '../zxid.ts';
import type { HistoryEntry } from './history.ts';
import type { JournalRecord } from './journal-record.ts';
import type { ZabMessage } from './messages.ts';
import type { Notification } from './vote.ts';

export type Role = 'looking' | 'leading' | 'following' | 'observing';

/** Why a peer must stop; each has its exit code. */
export type HaltCause = 'unmatchedCommit' | 'truncateCommitted' | 'epochExhausted';

export type Output =
  /** To the election port. Only the newest to each peer matters. */
  | { readonly type: 'notify'; readonly to: number; readonly notification: Notification }
  /** Dial the quorum port of `sid`; answered by `linkUp` or `dialFailed` with `attempt`. */
  | { readonly type: 'dial'; readonly sid: number; readonly attempt: number }
  | { readonly type: 'send'; readonly link: number; readonly message: ZabMessage }
  /** SNAP: the tree exactly as all `apply` outputs so far have made it. */
  | { readonly type: 'sendSnapshot'; readonly link: number }
  | { readonly type: 'close'; readonly link: number; readonly reason: string }
  /** Answered by `durable` with `token`. `committed` is knowledge to be kept with the records. */
  | {
      readonly type: 'append';
      readonly records: readonly JournalRecord[];
      readonly committed: Zxid;
      readonly token: number;
    }
  /**
   * Build a tree from the leader's image, apply `replay` to it, write it as the snapshot of `zxid`.
   * The image may already hold effects of `replay` (a leader may dump its tree while it changes).
   * Answered by `snapshotInstalled`.
   */
  | {
      readonly type: 'installSnapshot';
      readonly image: unknown;
      readonly imageZxid: Zxid;
      readonly replay: readonly HistoryEntry[];
      readonly zxid: Zxid;
      readonly token: number;
    }
  /** The tree of that installation is now this peer's tree. */
  | { readonly type: 'adoptSnapshot'; readonly token: number; readonly zxid: Zxid }
  /** Committed, in order: apply to the tree. */
  | { readonly type: 'apply'; readonly entries: readonly HistoryEntry[] }
  /** Serving begins (leading, following, observing) or ends (looking). */
  | {
      readonly type: 'role';
      readonly role: Role;
      /** The sid of the leader; -1 while looking. */
      readonly leader: number;
      readonly epoch: number;
    }
  /** Leader: a learner's request, revalidation or the sessions of its ping. */
  | {
      readonly type: 'fromLearner';
      readonly link: number;
      readonly sid: number;
      readonly message: ZabMessage;
    }
  /** Learner: an answer from the leader (revalidated, sync). */
  | { readonly type: 'fromLeader'; readonly message: ZabMessage }
  /** Learner: answer this ping with the sessions touched since the last one. */
  | { readonly type: 'answerPing'; readonly link: number; readonly zxid: Zxid }
  /** Leader: all that was proposed before the `sync` with this token has been applied. */
  | { readonly type: 'syncDone'; readonly token: number }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly text: string;
      readonly facts: Facts;
    }
  | {
      readonly type: 'halt';
      readonly cause: HaltCause;
      readonly text: string;
      readonly facts: Facts;
    };
