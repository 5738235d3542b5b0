/**
 * Transactions: what the log holds and every peer applies. A transaction states absolute results
 * (the new version, the final path), so applying it needs no decision. The records are ZooKeeper's
 * (zookeeper.jute); `type` is the op code that stands in the transaction header.
 */
import type { OpCode } from '../request/op-code.ts';
import type { SessionId } from '../session-id.ts';
import type { Zxid } from '../zxid.ts';
import type { AclList } from './acl.ts';

export interface TxnHeader {
  /** The session that asked for it. */
  readonly session: SessionId;
  readonly cxid: number;
  readonly zxid: Zxid;
  /** The leader's wall clock, milliseconds since 1970. */
  readonly timeMs: number;
}

/** Null data is distinct from empty data, and both are kept as they came. */
export type Data = Uint8Array | null;

export interface CreateTxn {
  readonly type: typeof OpCode.create | typeof OpCode.create2;
  readonly path: string;
  readonly data: Data;
  readonly acl: AclList;
  readonly ephemeral: boolean;
  /** The parent's stored cversion after this create; -1 in a log of ZooKeeper 3.3. */
  readonly parentCversion: number;
}
export interface CreateContainerTxn {
  readonly type: typeof OpCode.createContainer;
  readonly path: string;
  readonly data: Data;
  readonly acl: AclList;
  readonly parentCversion: number;
}
export interface CreateTtlTxn {
  readonly type: typeof OpCode.createTtl;
  readonly path: string;
  readonly data: Data;
  readonly acl: AclList;
  readonly parentCversion: number;
  readonly ttlMs: number;
}
export interface DeleteTxn {
  readonly type: typeof OpCode.delete | typeof OpCode.deleteContainer;
  readonly path: string;
}
export interface SetDataTxn {
  readonly type: typeof OpCode.setData | typeof OpCode.reconfig;
  readonly path: string;
  readonly data: Data;
  /** The version after the change. */
  readonly version: number;
}
export interface SetAclTxn {
  readonly type: typeof OpCode.setAcl;
  readonly path: string;
  readonly acl: AclList;
  /** The aversion after the change. */
  readonly aversion: number;
}
export interface CheckVersionTxn {
  readonly type: typeof OpCode.check;
  readonly path: string;
  readonly version: number;
}
export interface CreateSessionTxn {
  readonly type: typeof OpCode.createSession;
  readonly timeoutMs: number;
}
export interface CloseSessionTxn {
  readonly type: typeof OpCode.closeSession;
  /** The ephemerals that go with it; null in a transaction that has no body (before 3.6). */
  readonly paths: readonly string[] | null;
}
export interface ErrorTxn {
  readonly type: typeof OpCode.error;
  readonly err: number;
}
/** All or nothing. When one operation failed, `txns` holds an ErrorTxn for each. */
export interface MultiTxn {
  readonly type: typeof OpCode.multi;
  readonly txns: readonly SingleTxn[];
}

export type SingleTxn =
  | CreateTxn
  | CreateContainerTxn
  | CreateTtlTxn
  | DeleteTxn
  | SetDataTxn
  | SetAclTxn
  | CheckVersionTxn
  | CreateSessionTxn
  | CloseSessionTxn
  | ErrorTxn;
export type Txn = SingleTxn | MultiTxn;
