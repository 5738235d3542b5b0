/**
 * Request to transaction, on the leader: validates a request against the tree as it will be when it
 * is applied, and states the results in absolute terms. A request that fails becomes an ErrorTxn,
 * which is proposed like any other, so that the answer has its place in the order. The order of
 * the checks is ZooKeeper's (PrepRequestProcessor.java), because clients see which one failed.
 */
import { assertNever, invariant } from '../invariant.ts';
import { checkAcl, fixupAcl } from '../tree/access.ts';
import { Perms } from '../tree/acl.ts';
import type { DataTree } from '../tree/data-tree.ts';
import { ownerKind } from '../tree/owner.ts';
import { parentOf, validatePath } from '../tree/path.ts';
import { SPECIAL_PATHS } from '../tree/special-znodes.ts';
import type { CloseSessionTxn, SingleTxn, Txn } from '../tree/txn.ts';
import type { Zxid } from '../zxid.ts';
import { ErrorCode } from './error-code.ts';
import { prepareMulti } from './multi.ts';
import { OpCode } from './op-code.ts';
import { Overlay, viewOf } from './overlay.ts';
import { prepareCreate } from './prepare-create.ts';
import { errorTxn, type PrepareContext, type PrepareScope } from './prepare-scope.ts';
import type {
  CheckRequest,
  DeleteContainerRequest,
  DeleteRequest,
  SetAclRequest,
  SetDataRequest,
  WriteRequest,
} from './requests.ts';

export interface PrepareOptions {
  /** ZooKeeper's `skipACL`: permissions are not checked; the lists still have to be valid. */
  readonly skipAcl: boolean;
  /** ZooKeeper's `extendedTypesEnabled`, on unless said: createTTL is unimplemented without it. */
  readonly hasTtlNodes?: boolean;
  /** ZooKeeper's `enforceQuota`, on unless said. */
  readonly hasQuotas?: boolean;
}

export class Preparer {
  private readonly tree: DataTree;
  private readonly overlay: Overlay;
  private readonly options: PrepareOptions;

  constructor(tree: DataTree, options: PrepareOptions) {
    this.tree = tree;
    this.overlay = new Overlay(tree);
    this.options = options;
  }

  /** Changes that are prepared but not applied. */
  get pendingChanges(): number {
    return this.overlay.size;
  }

  /** The transaction for `request`; its effects stand until `applied` or `reset`. */
  prepare(request: WriteRequest, context: PrepareContext): Txn {
    if (this.options.hasTtlNodes === false && request.type === OpCode.createTtl) {
      return errorTxn(ErrorCode.unimplemented);
    }
    const scope: PrepareScope = {
      overlay: this.overlay,
      context,
      may: (acl, perm) => this.options.skipAcl || checkAcl(acl, perm, context.ids),
      exceedsQuota: (path, bytesDiff, countDiff) =>
        this.options.hasQuotas !== false &&
        this.tree.quotas.check(path, bytesDiff, countDiff) === 'hardExceeded',
    };
    if (request.type !== OpCode.multi) return prepareOne(scope, request);
    return prepareMulti(request, this.overlay, (op) => prepareOne(scope, op));
  }

  /** The transactions up to `zxid` are applied. Call it before anything else is prepared. */
  applied(zxid: Zxid): void {
    this.overlay.applied(zxid);
  }

  /** Leadership ended: forgets what was on its way. */
  reset(): void {
    this.overlay.clear();
  }
}

type SingleRequest = Exclude<WriteRequest, { type: typeof OpCode.multi }> | CheckRequest;

/** Changes the overlay only when it succeeds. */
function prepareOne(scope: PrepareScope, request: SingleRequest): SingleTxn {
  switch (request.type) {
    case OpCode.create:
    case OpCode.create2:
    case OpCode.createContainer:
    case OpCode.createTtl:
      return prepareCreate(scope, request);
    case OpCode.delete:
      return prepareDelete(scope, request);
    case OpCode.deleteContainer:
      return prepareDeleteContainer(scope, request);
    case OpCode.setData:
      return prepareSetData(scope, request);
    case OpCode.setAcl:
      return prepareSetAcl(scope, request);
    case OpCode.check:
      return prepareCheck(scope, request);
    case OpCode.createSession:
      return { type: OpCode.createSession, timeoutMs: request.timeoutMs };
    case OpCode.closeSession:
      return prepareCloseSession(scope);
    default:
      return assertNever(request, 'write request');
  }
}

function prepareDelete(scope: PrepareScope, request: DeleteRequest): SingleTxn {
  const { overlay, context } = scope;
  const { path } = request;
  if (context.sessionError !== ErrorCode.ok) return errorTxn(context.sessionError);
  // ZooKeeper does not check the path of a delete any further: what it cannot name is not there.
  if (!path.includes('/') || path.includes('\0') || SPECIAL_PATHS.includes(path)) {
    return errorTxn(ErrorCode.badArguments);
  }
  const parentPath = parentOf(path);
  const parent = overlay.get(parentPath);
  if (parent === null) return errorTxn(ErrorCode.noNode);
  if (!scope.may(parent.acl, Perms.delete)) return errorTxn(ErrorCode.noAuth);
  const node = overlay.get(path);
  if (node === null) return errorTxn(ErrorCode.noNode);
  if (!isExpected(node.version, request.version)) return errorTxn(ErrorCode.badVersion);
  if (node.numChildren > 0) return errorTxn(ErrorCode.notEmpty);
  overlay.set(context.zxid, parentPath, { ...viewOf(parent), numChildren: parent.numChildren - 1 });
  overlay.set(context.zxid, path, null);
  return { type: OpCode.delete, path };
}

/** No session and no permission: the leader asks. What has come to life meanwhile stays. */
function prepareDeleteContainer(scope: PrepareScope, request: DeleteContainerRequest): SingleTxn {
  const { overlay, context } = scope;
  const { path } = request;
  const node = overlay.get(path);
  const parentPath = parentOf(path);
  const parent = overlay.get(parentPath);
  if (node === null || parent === null) return errorTxn(ErrorCode.noNode);
  if (node.numChildren > 0) return errorTxn(ErrorCode.notEmpty);
  const kind = ownerKind(node.ephemeralOwner);
  if (kind !== 'container' && kind !== 'ttl') return errorTxn(ErrorCode.badVersion);
  overlay.set(context.zxid, parentPath, { ...viewOf(parent), numChildren: parent.numChildren - 1 });
  overlay.set(context.zxid, path, null);
  return { type: OpCode.deleteContainer, path };
}

function prepareSetData(scope: PrepareScope, request: SetDataRequest): SingleTxn {
  const { overlay, context } = scope;
  const { path, data } = request;
  if (context.sessionError !== ErrorCode.ok) return errorTxn(context.sessionError);
  if (validatePath(path, false) !== null) return errorTxn(ErrorCode.badArguments);
  const node = overlay.get(path);
  if (node === null) return errorTxn(ErrorCode.noNode);
  if (!scope.may(node.acl, Perms.write)) return errorTxn(ErrorCode.noAuth);
  if (scope.exceedsQuota(path, (data?.length ?? 0) - node.dataLength, 0)) {
    return errorTxn(ErrorCode.quotaExceeded);
  }
  if (!isExpected(node.version, request.version)) return errorTxn(ErrorCode.badVersion);
  const version = nextVersion(node.version);
  overlay.set(context.zxid, path, { ...viewOf(node), version, dataLength: data?.length ?? 0 });
  return { type: OpCode.setData, path, data, version };
}

function prepareSetAcl(scope: PrepareScope, request: SetAclRequest): SingleTxn {
  const { overlay, context } = scope;
  const { path } = request;
  if (context.sessionError !== ErrorCode.ok) return errorTxn(context.sessionError);
  if (validatePath(path, false) !== null) return errorTxn(ErrorCode.badArguments);
  const acl = fixupAcl(request.acl, context.ids);
  if (typeof acl === 'number') return errorTxn(acl);
  const node = overlay.get(path);
  if (node === null) return errorTxn(ErrorCode.noNode);
  if (!scope.may(node.acl, Perms.admin)) return errorTxn(ErrorCode.noAuth);
  if (!isExpected(node.aversion, request.version)) return errorTxn(ErrorCode.badVersion);
  const aversion = nextVersion(node.aversion);
  // The new list guards what is prepared from here on, not only what comes after the commit.
  overlay.set(context.zxid, path, { ...viewOf(node), acl, aversion });
  return { type: OpCode.setAcl, path, acl, aversion };
}

function prepareCheck(scope: PrepareScope, request: CheckRequest): SingleTxn {
  const { overlay, context } = scope;
  const { path } = request;
  if (context.sessionError !== ErrorCode.ok) return errorTxn(context.sessionError);
  if (validatePath(path, false) !== null) return errorTxn(ErrorCode.badArguments);
  const node = overlay.get(path);
  if (node === null) return errorTxn(ErrorCode.noNode);
  if (!scope.may(node.acl, Perms.read)) return errorTxn(ErrorCode.noAuth);
  if (!isExpected(node.version, request.version)) return errorTxn(ErrorCode.badVersion);
  return { type: OpCode.check, path, version: nextVersion(node.version) };
}

/**
 * No check of the session here: the leader itself asks for this when one expires. The transaction
 * lists what goes, with what is still on its way, so that no ephemeral outlives its session
 * (ZOOKEEPER-1208, 2355, 3471).
 */
function prepareCloseSession(scope: PrepareScope): CloseSessionTxn {
  const { overlay, context } = scope;
  const paths = overlay.ephemeralsOf(context.session);
  for (const path of paths) {
    const parentPath = parentOf(path);
    const parent = overlay.get(parentPath);
    invariant(parent !== null, 'an ephemeral has a parent', { path });
    overlay.set(context.zxid, parentPath, {
      ...viewOf(parent),
      numChildren: parent.numChildren - 1,
    });
    overlay.set(context.zxid, path, null);
  }
  return { type: OpCode.closeSession, paths };
}

function isExpected(version: number, expected: number): boolean {
  return expected === -1 || expected === version;
}

/** 32 bits, and never -1, which a client could not ask for (ZOOKEEPER-4743). */
function nextVersion(version: number): number {
  const next = (version + 1) | 0;
  return next === -1 ? 0 : next;
}
