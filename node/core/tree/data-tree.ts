/**
 * The replicated tree: znodes, sessions and who owns which ephemeral. `apply` is the one way in
 * which it changes, used by recovery, synchronisation and broadcast alike, and it is handed
 * committed transactions only, each once and in zxid order. A transaction states results, so there
 * is nothing to decide here: one that does not fit means that this peer has diverged from the
 * ensemble, which is an invariant failure and never repaired.
 */
import { assertNever, invariant } from '../invariant.ts';
import { OpCode } from '../request/op-code.ts';
import { NO_SESSION, type SessionId, SessionMap } from '../session-id.ts';
import type { Zxid } from '../zxid.ts';
import type { AclList } from './acl.ts';
import { AclTable } from './acl-table.ts';
import { applyFailedMulti, done, failed } from './apply-result.ts';
import { CONTAINER_OWNER, ttlOwner } from './owner.ts';
import { parentOf } from './path.ts';
import { Quotas } from './quota.ts';
import { CONFIG_PATH, freshRecord, SPECIAL_PATHS } from './special-znodes.ts';
import { TreeWalk } from './tree-walk.ts';
import type { Data, MultiTxn, SingleTxn, Txn, TxnHeader } from './txn.ts';
import type { TxnResult } from './txn-result.ts';
import { encodeUtf8 } from './utf8.ts';
import { statOf, Znode, type ZnodeRecord } from './znode.ts';

/**
 * Hears each change right after it is in the tree, in the order of the transactions and of the
 * operations in them. It must not apply transactions itself.
 */
export interface TreeListener {
  created(path: string, node: Znode, header: TxnHeader, parent: Znode): void;
  /** `node` is what was deleted. */
  deleted(path: string, node: Znode, header: TxnHeader, parent: Znode): void;
  dataChanged(path: string, node: Znode, header: TxnHeader): void;
  aclChanged(path: string, node: Znode, header: TxnHeader): void;
}

export class DataTree {
  listener: TreeListener | null = null;
  /** Live sessions with their timeouts, milliseconds. */
  readonly sessions = new SessionMap<number>();
  readonly quotas: Quotas = new Quotas(this);
  private readonly nodes = new Map<string, Znode>();
  private readonly ephemerals = new SessionMap<Set<Znode>>();
  /** Containers and TTL znodes, which go by themselves. */
  private readonly transients = new Set<Znode>();
  private readonly acls = new AclTable();
  private readonly walks: TreeWalk[] = [];
  private ephemeralsTotal = 0;
  private dataSize = 0;
  private lastSeq = 0;
  private zxid: Zxid = 0;
  private isApplying = false;

  /** A tree as ZooKeeper starts with it. An `isBare` one is for `TreeImage` to fill. */
  constructor(isBare = false) {
    if (isBare) return;
    for (const path of SPECIAL_PATHS) this.insert(freshRecord(path));
  }

  /** The zxid of the last transaction applied. */
  get lastZxid(): Zxid {
    return this.zxid;
  }

  /** As ZooKeeper counts (`znode_count`): the root is counted twice, a fresh tree has 5. */
  get nodeCount(): number {
    return this.nodes.size + 1;
  }

  get ephemeralsCount(): number {
    return this.ephemeralsTotal;
  }

  /** The sum of the lengths of paths and data, as ZooKeeper's `approximate_data_size`. */
  get approximateDataSize(): number {
    return this.dataSize;
  }

  /** Distinct access control lists in use, without the open one. */
  get aclListCount(): number {
    return this.acls.size;
  }

  get(path: string): Znode | undefined {
    return this.nodes.get(path);
  }

  /** Containers and TTL znodes, in order of creation. */
  transientNodes(): IterableIterator<Znode> {
    return this.transients.values();
  }

  /** All znodes, parents before their children. */
  all(): IterableIterator<Znode> {
    return this.nodes.values();
  }

  /** The paths of the ephemerals of `session`, oldest first. */
  ephemeralsOf(session: SessionId): readonly string[] {
    const owned = this.ephemerals.get(session);
    return owned === undefined ? [] : Array.from(owned, (node) => node.path);
  }

  /** Applies one committed transaction. */
  apply(header: TxnHeader, txn: Txn): TxnResult {
    const facts = { zxid: header.zxid, lastZxid: this.zxid };
    invariant(header.zxid > this.zxid, 'transactions are applied once, in order', facts);
    invariant(!this.isApplying, 'a transaction is applied before the next', facts);
    this.isApplying = true;
    const result =
      txn.type === OpCode.multi ? this.applyMulti(header, txn) : this.applyOne(header, txn);
    this.zxid = header.zxid;
    this.isApplying = false;
    return result;
  }

  /**
   * Puts the quorum configuration in place that this peer started with. No transaction does, so
   * the digest leaves the config znode out. `version` is the zxid of the configuration.
   */
  setConfig(text: string, version: Zxid): void {
    const node = this.mustGet(CONFIG_PATH);
    this.beforeChange(node);
    this.replaceData(node, encodeUtf8(text));
    node.mzxid = version;
    node.version = -1;
  }

  /** For `Quotas`: each peer counts for itself, so this is no transaction. */
  replaceStats(node: Znode, data: Uint8Array): void {
    this.beforeChange(node);
    this.replaceData(node, data);
  }

  /** An exact walk over the tree as it is now, for a snapshot. Close it if it is not used up. */
  startWalk(): TreeWalk {
    invariant(!this.isApplying, 'a walk starts between transactions');
    const sessions = Array.from(this.sessions.entries(), ([id, timeoutMs]) => ({ id, timeoutMs }));
    const walk = new TreeWalk({
      lastZxid: this.zxid,
      lastSeq: this.lastSeq,
      sessions,
      nodes: this.nodes.values(),
      get: (path) => this.nodes.get(path),
      onClose: (closed) => {
        this.walks.splice(this.walks.indexOf(closed), 1);
      },
    });
    this.walks.push(walk);
    return walk;
  }

  /** For `TreeImage`: adds a znode with all its values. Its parent must be there. */
  insert(record: ZnodeRecord): Znode {
    const { path } = record;
    invariant(!this.nodes.has(path), 'a created znode is new', { path, zxid: record.czxid });
    this.lastSeq += 1;
    const node = new Znode(this.lastSeq, record);
    node.data = ownData(record.data);
    node.acl = this.acls.acquire(record.acl);
    if (path !== '/') {
      const parent = this.mustGet(parentOf(path));
      parent.children ??= new Set();
      parent.children.add(node);
    }
    this.nodes.set(path, node);
    this.dataSize += path.length + (node.data?.length ?? 0);
    if (node.isEphemeral) this.own(node);
    else if (!node.ephemeralOwner.isNone) this.transients.add(node);
    return node;
  }

  /** The distinct access control lists of the znodes. */
  aclLists(): Iterable<AclList> {
    return this.acls.lists();
  }

  /** For `FuzzyReplay`: one operation, whatever the tree's zxid is. */
  applyPart(header: TxnHeader, txn: SingleTxn): TxnResult {
    return this.applyOne(header, txn);
  }

  /** For `FuzzyReplay`: removes a znode and what is below it, as if they had never been. */
  dropSubtree(path: string): void {
    const node = this.nodes.get(path);
    if (node === undefined) return;
    for (const child of [...(node.children ?? [])]) this.dropSubtree(child.path);
    this.remove(node);
  }

  /** For `FuzzyReplay`: a child that is gone already was deleted by `zxid`. */
  noteDeletion(path: string, zxid: Zxid): void {
    const parent = this.nodes.get(parentOf(path));
    if (parent !== undefined) parent.pzxid = Math.max(parent.pzxid, zxid);
  }

  /** For `FuzzyReplay`: the tree now stands at `zxid`. */
  advanceTo(zxid: Zxid): void {
    this.zxid = zxid;
  }

  /** For `TreeImage`: the values are those at `zxid`. */
  startAt(zxid: Zxid): void {
    invariant(this.zxid === 0, 'an image is complete once', { zxid, lastZxid: this.zxid });
    this.zxid = zxid;
  }

  private applyMulti(header: TxnHeader, multi: MultiTxn): TxnResult {
    const failure = applyFailedMulti(multi);
    if (failure !== null) return failure;
    const results = multi.txns.map((txn) => this.applyOne(header, txn));
    return { type: multi.type, err: 0, path: null, stat: null, results };
  }

  private applyOne(header: TxnHeader, txn: SingleTxn): TxnResult {
    switch (txn.type) {
      case OpCode.create:
      case OpCode.create2: {
        const owner = txn.ephemeral ? header.session : NO_SESSION;
        const node = this.createNode(header, txn, owner);
        return done(txn.type, txn.path, txn.type === OpCode.create ? null : statOf(node));
      }
      case OpCode.createContainer:
        return done(txn.type, txn.path, statOf(this.createNode(header, txn, CONTAINER_OWNER)));
      case OpCode.createTtl: {
        const node = this.createNode(header, txn, ttlOwner(txn.ttlMs));
        return done(txn.type, txn.path, statOf(node));
      }
      case OpCode.delete:
      case OpCode.deleteContainer:
        this.deleteNode(header, this.mustGet(txn.path));
        return done(txn.type, null, null);
      case OpCode.setData:
      case OpCode.reconfig:
        return done(txn.type, null, statOf(this.setData(header, txn)));
      case OpCode.setAcl:
        return done(txn.type, null, statOf(this.setAcl(header, txn)));
      case OpCode.check:
        return done(txn.type, null, null);
      case OpCode.createSession:
        this.sessions.set(header.session, txn.timeoutMs);
        return done(txn.type, null, null);
      case OpCode.closeSession:
        this.closeSession(header, txn.paths);
        return done(txn.type, null, null);
      case OpCode.error:
        return failed(txn.err);
      default:
        return assertNever(txn, 'transaction');
    }
  }

  private createNode(
    header: TxnHeader,
    txn: { path: string; data: Data; acl: AclList; parentCversion: number },
    owner: SessionId,
  ): Znode {
    const parent = this.mustGet(parentOf(txn.path));
    this.beforeChange(parent);
    // A log of ZooKeeper 3.3 does not say.
    const cversion = txn.parentCversion === -1 ? (parent.cversion + 1) | 0 : txn.parentCversion;
    // ZooKeeper's rule, also where the 32-bit counter has wrapped: digests must stay equal.
    if (cversion > parent.cversion) {
      parent.cversion = cversion;
      parent.pzxid = header.zxid;
    }
    const node = this.insert({
      path: txn.path,
      data: txn.data,
      acl: txn.acl,
      czxid: header.zxid,
      mzxid: header.zxid,
      pzxid: header.zxid,
      ctime: header.timeMs,
      mtime: header.timeMs,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: owner,
    });
    this.quotas.created(node);
    this.listener?.created(node.path, node, header, parent);
    return node;
  }

  private deleteNode(header: TxnHeader, node: Znode): void {
    const { path } = node;
    invariant(node.children === null, 'a deleted znode has no children', { path });
    invariant(path !== '/', 'the root is not deleted', { zxid: header.zxid });
    const parent = this.mustGet(parentOf(path));
    this.beforeChange(parent);
    this.beforeChange(node);
    parent.pzxid = header.zxid;
    this.remove(node);
    this.quotas.deleted(node);
    this.listener?.deleted(path, node, header, parent);
  }

  private remove(node: Znode): void {
    const parent = this.mustGet(parentOf(node.path));
    parent.children?.delete(node);
    if (parent.children?.size === 0) parent.children = null;
    this.nodes.delete(node.path);
    this.dataSize -= node.path.length + (node.data?.length ?? 0);
    this.acls.release(node.acl);
    if (node.isEphemeral) this.disown(node);
    else this.transients.delete(node);
  }

  private setData(header: TxnHeader, txn: { path: string; data: Data; version: number }): Znode {
    const node = this.mustGet(txn.path);
    this.beforeChange(node);
    const bytesBefore = node.data?.length ?? 0;
    this.replaceData(node, txn.data);
    this.quotas.changed(node.path, (node.data?.length ?? 0) - bytesBefore);
    node.version = txn.version;
    node.mzxid = header.zxid;
    node.mtime = header.timeMs;
    this.listener?.dataChanged(node.path, node, header);
    return node;
  }

  private setAcl(header: TxnHeader, txn: { path: string; acl: AclList; aversion: number }): Znode {
    const node = this.mustGet(txn.path);
    this.beforeChange(node);
    const before = node.acl;
    node.acl = this.acls.acquire(txn.acl);
    this.acls.release(before);
    node.aversion = txn.aversion;
    this.listener?.aclChanged(node.path, node, header);
    return node;
  }

  /**
   * Deletes what the transaction lists, then whatever else the session owns (all of it where the
   * transaction has no list). A listed path that is gone leaves its mark on the parent's pzxid and
   * nothing else: so does ZooKeeper, whose leaders before 3.6 could list such a path.
   */
  private closeSession(header: TxnHeader, paths: readonly string[] | null): void {
    for (const path of paths ?? []) {
      const node = this.nodes.get(path);
      if (node !== undefined) {
        this.deleteNode(header, node);
        continue;
      }
      const parent = this.nodes.get(parentOf(path));
      if (parent === undefined) continue;
      this.beforeChange(parent);
      parent.pzxid = header.zxid;
    }
    for (const node of Array.from(this.ephemerals.get(header.session) ?? [])) {
      this.deleteNode(header, node);
    }
    this.sessions.delete(header.session);
  }

  private replaceData(node: Znode, data: Data): void {
    this.dataSize += (data?.length ?? 0) - (node.data?.length ?? 0);
    node.data = ownData(data);
  }

  private own(node: Znode): void {
    let owned = this.ephemerals.get(node.ephemeralOwner);
    if (owned === undefined) {
      owned = new Set();
      this.ephemerals.set(node.ephemeralOwner, owned);
    }
    owned.add(node);
    this.ephemeralsTotal += 1;
  }

  private disown(node: Znode): void {
    const owned = this.ephemerals.get(node.ephemeralOwner);
    const wasOwned = owned?.delete(node) ?? false;
    invariant(wasOwned, 'an ephemeral is known to its session', { path: node.path });
    if (owned?.size === 0) this.ephemerals.delete(node.ephemeralOwner);
    this.ephemeralsTotal -= 1;
  }

  private mustGet(path: string): Znode {
    const node = this.nodes.get(path);
    invariant(node !== undefined, 'a transaction finds its znode', { path, zxid: this.zxid });
    return node;
  }

  private beforeChange(node: Znode): void {
    for (const walk of this.walks) walk.beforeChange(node);
  }
}

/** A copy: what comes from a socket or a log is a view that would keep a whole chunk alive. */
function ownData(data: Data): Data {
  return data === null ? null : new Uint8Array(data);
}
