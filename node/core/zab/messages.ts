/**
 * The messages of the quorum port (2888), decoded: what a leader and its learners say to each
 * other over one FIFO connection. The codec in `jute/` turns each into a QuorumPacket and back;
 * the numbers are ZooKeeper's (Leader.java).
 */
import type { SessionId } from '../session-id.ts';
import type { Id } from '../tree/acl.ts';
import type { Zxid } from '../zxid.ts';

export const PacketType = {
  request: 1,
  proposal: 2,
  ack: 3,
  commit: 4,
  ping: 5,
  revalidate: 6,
  sync: 7,
  inform: 8,
  commitAndActivate: 9,
  newLeader: 10,
  followerInfo: 11,
  upToDate: 12,
  diff: 13,
  trunc: 14,
  snap: 15,
  observerInfo: 16,
  leaderInfo: 17,
  ackEpoch: 18,
  informAndActivate: 19,
} as const;

export interface SessionTouch {
  readonly session: SessionId;
  readonly timeoutMs: number;
}

/** FOLLOWERINFO, or OBSERVERINFO when `isObserver`: the first packet of a learner. */
export interface LearnerInfoMessage {
  readonly type: 'learnerInfo';
  readonly isObserver: boolean;
  readonly acceptedEpoch: number;
  readonly sid: number;
  /** 0x10000 since ZooKeeper 3.4. */
  readonly protocolVersion: number;
  readonly configVersion: Zxid;
}
export interface LeaderInfoMessage {
  readonly type: 'leaderInfo';
  readonly epoch: number;
  readonly protocolVersion: number;
}
export interface AckEpochMessage {
  readonly type: 'ackEpoch';
  readonly lastZxid: Zxid;
  /** -1 when the learner had accepted this epoch before: it may sync but makes no promise. */
  readonly currentEpoch: number;
}
export interface DiffMessage {
  readonly type: 'diff';
  readonly zxid: Zxid;
}
export interface TruncMessage {
  readonly type: 'trunc';
  readonly zxid: Zxid;
}
/**
 * SNAP with the tree that followed it on the stream. The image is the transport's: the core only
 * hands it on to be installed.
 */
export interface SnapMessage {
  readonly type: 'snap';
  readonly zxid: Zxid;
  readonly image: unknown;
}
export interface ProposalMessage {
  readonly type: 'proposal';
  readonly zxid: Zxid;
  /** TxnHeader, txn record and, from some peers, a TxnDigest: the bytes every log holds. */
  readonly txn: Uint8Array;
}
export interface AckMessage {
  readonly type: 'ack';
  readonly zxid: Zxid;
}
export interface CommitMessage {
  readonly type: 'commit';
  readonly zxid: Zxid;
}
/** Proposal and commit in one, for observers. */
export interface InformMessage {
  readonly type: 'inform';
  readonly zxid: Zxid;
  readonly txn: Uint8Array;
}
export interface NewLeaderMessage {
  readonly type: 'newLeader';
  readonly epoch: number;
  /** The leader's quorum configuration, empty where it sent none. */
  readonly config: string;
}
export interface UpToDateMessage {
  readonly type: 'upToDate';
}
/** From the leader: no sessions. From a learner: the sessions touched since its last ping. */
export interface PingMessage {
  readonly type: 'ping';
  readonly zxid: Zxid;
  readonly sessions: readonly SessionTouch[];
}
/** A learner asks whether a session is alive and takes it over. */
export interface RevalidateMessage {
  readonly type: 'revalidate';
  readonly session: SessionId;
  readonly timeoutMs: number;
}
export interface RevalidatedMessage {
  readonly type: 'revalidated';
  readonly session: SessionId;
  readonly isValid: boolean;
}
/** A client's request on its way to the leader; `body` is the request record as it came. */
export interface RequestMessage {
  readonly type: 'request';
  readonly session: SessionId;
  readonly cxid: number;
  readonly opCode: number;
  readonly body: Uint8Array;
  readonly ids: readonly Id[];
}
/** The answer to a forwarded sync; answers come in the order of the requests. */
export interface SyncMessage {
  readonly type: 'sync';
}
/** COMMITANDACTIVATE and INFORMANDACTIVATE: a dynamic reconfiguration, which comes later. */
export interface ActivateMessage {
  readonly type: 'activate';
  readonly zxid: Zxid;
  readonly designatedLeader: number;
  /** Null in COMMITANDACTIVATE. */
  readonly txn: Uint8Array | null;
}

export type ZabMessage =
  | LearnerInfoMessage
  | LeaderInfoMessage
  | AckEpochMessage
  | DiffMessage
  | TruncMessage
  | SnapMessage
  | ProposalMessage
  | AckMessage
  | CommitMessage
  | InformMessage
  | NewLeaderMessage
  | UpToDateMessage
  | PingMessage
  | RevalidateMessage
  | RevalidatedMessage
  | RequestMessage
  | SyncMessage
  | ActivateMessage;
