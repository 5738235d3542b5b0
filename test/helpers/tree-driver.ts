/**
 * Drives a tree in tests: short names for transactions and requests, and a driver that prepares and
 * applies as a leader without peers would.
 */
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { Preparer } from '../../node/core/request/prepare.ts';
import type {
  CheckRequest,
  CreateRequest,
  DeleteRequest,
  Ids,
  MultiOp,
  SetDataRequest,
  WriteRequest,
} from '../../node/core/request/requests.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { type AclList, OPEN_ACL_UNSAFE } from '../../node/core/tree/acl.ts';
import { DataTree } from '../../node/core/tree/data-tree.ts';
import type { Txn, TxnHeader } from '../../node/core/tree/txn.ts';
import type { TxnResult } from '../../node/core/tree/txn-result.ts';
import { recordOf, type ZnodeRecord } from '../../node/core/tree/znode.ts';
import type { Zxid } from '../../node/core/zxid.ts';

export const SESSION = new SessionId(0x01000000, 1);
export const OTHER_SESSION = new SessionId(0x02000000, 1);

export function header(zxid: Zxid, session = SESSION): TxnHeader {
  return { session, cxid: zxid, zxid, timeMs: 1_700_000_000_000 + zxid };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function create(path: string, flags = 0, acl: AclList | null = OPEN_ACL_UNSAFE) {
  const type = OpCode.create2;
  return { type, path, data: null, acl, flags, ttlMs: 0 } satisfies CreateRequest;
}

export function remove(path: string, version = -1): DeleteRequest {
  return { type: OpCode.delete, path, version };
}

export function setData(path: string, text: string, version = -1): SetDataRequest {
  return { type: OpCode.setData, path, data: bytes(text), version };
}

export function check(path: string, version: number): CheckRequest {
  return { type: OpCode.check, path, version };
}

export function setAcl(path: string, acl: AclList | null, version = -1): WriteRequest {
  return { type: OpCode.setAcl, path, acl, version };
}

export function multi(...ops: readonly MultiOp[]): WriteRequest {
  return { type: OpCode.multi, ops };
}

export const CLOSE: WriteRequest = { type: OpCode.closeSession };

interface Caller {
  readonly session?: SessionId;
  readonly ids?: Ids;
  readonly sessionError?: ErrorCode;
}

export class TreeDriver {
  readonly tree: DataTree;
  readonly preparer: Preparer;
  private zxid: Zxid;
  private readonly waiting: { readonly header: TxnHeader; readonly txn: Txn }[] = [];

  constructor(tree = new DataTree(), skipAcl = false) {
    this.tree = tree;
    this.zxid = tree.lastZxid;
    this.preparer = new Preparer(tree, { skipAcl });
  }

  /** Prepares and leaves it on its way. */
  propose(request: WriteRequest, caller: Caller = {}): Txn {
    this.zxid += 1;
    const head = header(this.zxid, caller.session);
    const txn = this.preparer.prepare(request, {
      session: head.session,
      ids: caller.ids ?? [{ scheme: 'ip', id: '127.0.0.1' }],
      zxid: head.zxid,
      timeMs: head.timeMs,
      sessionError: caller.sessionError ?? ErrorCode.ok,
    });
    this.waiting.push({ header: head, txn });
    return txn;
  }

  /** Applies the oldest transaction that is on its way. */
  commit(): TxnResult {
    const next = this.waiting.shift();
    if (next === undefined) throw new Error('nothing is on its way');
    const result = this.tree.apply(next.header, next.txn);
    this.preparer.applied(next.header.zxid);
    return result;
  }

  /** Commits all that is on its way, then prepares and applies `request`. */
  write(request: WriteRequest, caller: Caller = {}): TxnResult {
    while (this.waiting.length > 0) this.commit();
    this.propose(request, caller);
    return this.commit();
  }

  get inFlight(): number {
    return this.waiting.length;
  }
}

/** The `err` of an ErrorTxn, 0 for any other transaction. */
export function errOf(txn: Txn): number {
  return txn.type === OpCode.error ? txn.err : 0;
}

/** Every value of a tree, sorted, for comparison. */
export function dump(tree: DataTree): unknown {
  const nodes: ZnodeRecord[] = Array.from(tree.all(), recordOf);
  const sessions = Array.from(tree.sessions.entries(), ([id, timeout]) => `${id} ${timeout}`);
  return {
    nodes: nodes.sort((a, b) => (a.path < b.path ? -1 : 1)),
    sessions: sessions.sort(),
    counts: [tree.nodeCount, tree.ephemeralsCount, tree.approximateDataSize, tree.lastZxid],
  };
}
