/** The four kinds of create: modes, sequence numbers and what may be a parent. */
import { NO_SESSION, type SessionId } from '../session-id.ts';
import { fixupAcl } from '../tree/access.ts';
import { type AclList, Perms } from '../tree/acl.ts';
import { CONTAINER_OWNER, isTtl, ownerKind, ttlOwner } from '../tree/owner.ts';
import { parentOf, validatePath } from '../tree/path.ts';
import type { SingleTxn } from '../tree/txn.ts';
import { ErrorCode } from './error-code.ts';
import { OpCode } from './op-code.ts';
import { viewOf } from './overlay.ts';
import { errorTxn, type PrepareScope } from './prepare-scope.ts';
import { CreateMode, type CreateRequest } from './requests.ts';

export function prepareCreate(scope: PrepareScope, request: CreateRequest): SingleTxn {
  const { overlay, context } = scope;
  if (!isModeLegal(request)) return errorTxn(ErrorCode.badArguments);
  if (context.sessionError !== ErrorCode.ok) return errorTxn(context.sessionError);
  if (!request.path.includes('/') || request.path.includes('\0')) {
    return errorTxn(ErrorCode.badArguments);
  }
  const acl = fixupAcl(request.acl, context.ids);
  if (typeof acl === 'number') return errorTxn(acl);
  const parentPath = parentOf(request.path);
  const parent = overlay.get(parentPath);
  if (parent === null) return errorTxn(ErrorCode.noNode);
  if (!scope.may(parent.acl, Perms.create)) return errorTxn(ErrorCode.noAuth);
  const path = isSequential(request) ? request.path + sequence(parent.cversion) : request.path;
  if (validatePath(path, false) !== null) return errorTxn(ErrorCode.badArguments);
  if (overlay.get(path) !== null) return errorTxn(ErrorCode.nodeExists);
  if (ownerKind(parent.ephemeralOwner) === 'session') {
    return errorTxn(ErrorCode.noChildrenForEphemerals);
  }
  if (scope.exceedsQuota(path, request.data?.length ?? 0, 1)) {
    return errorTxn(ErrorCode.quotaExceeded);
  }
  const parentCversion = (parent.cversion + 1) | 0;
  overlay.set(context.zxid, parentPath, {
    ...viewOf(parent),
    // As the tree applies it: a counter that has wrapped stays where it is.
    cversion: Math.max(parent.cversion, parentCversion),
    numChildren: parent.numChildren + 1,
  });
  overlay.set(context.zxid, path, {
    version: 0,
    cversion: 0,
    aversion: 0,
    acl,
    ephemeralOwner: ownerFor(request, context.session),
    numChildren: 0,
    dataLength: request.data?.length ?? 0,
  });
  return txnFor(request, path, acl, parentCversion);
}

/**
 * The suffix of a sequential znode, Java's `%010d`: ten characters with the sign of a counter that
 * has wrapped.
 */
export function sequence(cversion: number): string {
  return cversion < 0
    ? `-${String(-cversion).padStart(9, '0')}`
    : String(cversion).padStart(10, '0');
}

/**
 * A TTL needs its own operation and a legal value. ZooKeeper lets that operation pass with any
 * other mode when the TTL is negative, and then cannot apply it.
 */
function isModeLegal({ type, flags, ttlMs }: CreateRequest): boolean {
  const isTtlMode =
    flags === CreateMode.persistentWithTtl || flags === CreateMode.persistentSequentialWithTtl;
  if (type === OpCode.createTtl) return isTtlMode && isTtl(ttlMs);
  return Number.isInteger(flags) && flags >= 0 && flags <= CreateMode.container;
}

function isSequential({ flags }: CreateRequest): boolean {
  return (
    flags === CreateMode.persistentSequential ||
    flags === CreateMode.ephemeralSequential ||
    flags === CreateMode.persistentSequentialWithTtl
  );
}

/** The operation decides, not the flags: create with the flags of a container makes none. */
function isEphemeral({ type, flags }: CreateRequest): boolean {
  if (type !== OpCode.create && type !== OpCode.create2) return false;
  return flags === CreateMode.ephemeral || flags === CreateMode.ephemeralSequential;
}

function ownerFor(request: CreateRequest, session: SessionId): SessionId {
  if (request.type === OpCode.createContainer) return CONTAINER_OWNER;
  if (request.type === OpCode.createTtl) return ttlOwner(request.ttlMs);
  return isEphemeral(request) ? session : NO_SESSION;
}

function txnFor(
  request: CreateRequest,
  path: string,
  acl: AclList,
  parentCversion: number,
): SingleTxn {
  const { type, data } = request;
  switch (type) {
    case OpCode.createContainer:
      return { type, path, data, acl, parentCversion };
    case OpCode.createTtl:
      return { type, path, data, acl, parentCversion, ttlMs: request.ttlMs };
    default:
      return { type, path, data, acl, ephemeral: isEphemeral(request), parentCversion };
  }
}
