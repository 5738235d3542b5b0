/**
 * What a client asks for, decoded. `type` is the op code of the request header. Reads are answered
 * from the tree; writes go through `prepare` on the leader. The records are ZooKeeper's
 * (zookeeper.jute).
 */
import type { AclList, Id } from '../tree/acl.ts';
import type { Data } from '../tree/txn.ts';
import type { OpCode } from './op-code.ts';

export interface CreateRequest {
  readonly type:
    | typeof OpCode.create
    | typeof OpCode.create2
    | typeof OpCode.createContainer
    | typeof OpCode.createTtl;
  readonly path: string;
  readonly data: Data;
  /** Null when the client sent a null vector. */
  readonly acl: AclList | null;
  /** A create mode (`CreateMode`), not checked by the decoder. */
  readonly flags: number;
  /** Only for createTtl; 0 otherwise. */
  readonly ttlMs: number;
}
export interface DeleteRequest {
  readonly type: typeof OpCode.delete;
  readonly path: string;
  /** -1 matches any version. */
  readonly version: number;
}
export interface SetDataRequest {
  readonly type: typeof OpCode.setData;
  readonly path: string;
  readonly data: Data;
  readonly version: number;
}
export interface SetAclRequest {
  readonly type: typeof OpCode.setAcl;
  readonly path: string;
  readonly acl: AclList | null;
  readonly version: number;
}
export interface CheckRequest {
  readonly type: typeof OpCode.check;
  readonly path: string;
  readonly version: number;
}
export type MultiOp = CreateRequest | DeleteRequest | SetDataRequest | CheckRequest;
export interface MultiRequest {
  readonly type: typeof OpCode.multi;
  readonly ops: readonly MultiOp[];
}
export interface CreateSessionRequest {
  readonly type: typeof OpCode.createSession;
  readonly timeoutMs: number;
}
export interface CloseSessionRequest {
  readonly type: typeof OpCode.closeSession;
}

/** The leader's own: an empty container, or a znode whose time to live is over. */
export interface DeleteContainerRequest {
  readonly type: typeof OpCode.deleteContainer;
  readonly path: string;
}

/** Requests that become a transaction. */
export type WriteRequest =
  | CreateRequest
  | DeleteRequest
  | SetDataRequest
  | SetAclRequest
  | MultiRequest
  | CreateSessionRequest
  | CloseSessionRequest
  | DeleteContainerRequest;

export interface PathWatchRequest {
  readonly type:
    | typeof OpCode.exists
    | typeof OpCode.getData
    | typeof OpCode.getChildren
    | typeof OpCode.getChildren2;
  readonly path: string;
  readonly watch: boolean;
}
export interface GetAclRequest {
  readonly type: typeof OpCode.getAcl;
  readonly path: string;
}
/** setWatches has no persistent lists: they are empty. */
export interface SetWatchesRequest {
  readonly type: typeof OpCode.setWatches | typeof OpCode.setWatches2;
  readonly relativeZxid: number;
  readonly dataWatches: readonly string[];
  readonly existWatches: readonly string[];
  readonly childWatches: readonly string[];
  readonly persistentWatches: readonly string[];
  readonly recursiveWatches: readonly string[];
}
export interface AddWatchRequest {
  readonly type: typeof OpCode.addWatch;
  readonly path: string;
  /** An `AddWatchMode`, not checked by the decoder. */
  readonly mode: number;
}
/** Asks for the removal of a watch, or whether there is one. */
export interface WatchKindRequest {
  readonly type: typeof OpCode.removeWatches | typeof OpCode.checkWatches;
  readonly path: string;
  /** A `WatcherType`, not checked by the decoder. */
  readonly watcherType: number;
}
export interface GetEphemeralsRequest {
  readonly type: typeof OpCode.getEphemerals;
  readonly prefix: string;
}
export interface GetAllChildrenNumberRequest {
  readonly type: typeof OpCode.getAllChildrenNumber;
  readonly path: string;
}
export interface WhoAmIRequest {
  readonly type: typeof OpCode.whoAmI;
}
export interface MultiReadOp {
  readonly type: typeof OpCode.getData | typeof OpCode.getChildren;
  readonly path: string;
  readonly watch: boolean;
}
/** Each operation succeeds or fails by itself. */
export interface MultiReadRequest {
  readonly type: typeof OpCode.multiRead;
  readonly ops: readonly MultiReadOp[];
}

/** Requests answered from this peer's own tree. */
export type ReadRequest =
  | PathWatchRequest
  | GetAclRequest
  | SetWatchesRequest
  | AddWatchRequest
  | WatchKindRequest
  | GetEphemeralsRequest
  | GetAllChildrenNumberRequest
  | WhoAmIRequest
  | MultiReadRequest;

export interface SyncRequest {
  readonly type: typeof OpCode.sync;
  readonly path: string;
}
export interface PingRequest {
  readonly type: typeof OpCode.ping;
}
export interface AuthRequest {
  readonly type: typeof OpCode.auth;
  readonly scheme: string;
  readonly auth: Data;
}

export type Request =
  | Exclude<WriteRequest, DeleteContainerRequest>
  | ReadRequest
  | SyncRequest
  | PingRequest
  | AuthRequest;

/** `flags` of a create. */
export const CreateMode = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentWithTtl: 5,
  persistentSequentialWithTtl: 6,
} as const;

/** `mode` of an addWatch. */
export const AddWatchMode = { persistent: 0, persistentRecursive: 1 } as const;

/** Which watches a removal means. */
export const WatcherType = {
  children: 1,
  data: 2,
  any: 3,
  persistent: 4,
  persistentRecursive: 5,
} as const;

/** Who asks: the ids that a connection has proven, `ip` first. */
export type Ids = readonly Id[];
