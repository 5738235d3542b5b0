/** Builds the request of a create: which of the four op codes, with which fields. */
import { OpCode } from '../core/request/op-code.ts';
import { CreateMode, type CreateRequest } from '../core/request/requests.ts';
import { OPEN_ACL_UNSAFE } from '../core/tree/acl.ts';
import type { Data } from '../core/tree/txn.ts';
import type { CreateOptions } from './client-options.ts';

/**
 * `plain` is the op code for the ordinary modes: the reply of create is a path, that of create2 a
 * path and a Stat. Containers and znodes with a time to live have op codes of their own, which are
 * answered as create2.
 */
export function createRequest(
  plain: typeof OpCode.create | typeof OpCode.create2,
  path: string,
  data: Data | string,
  options: CreateOptions,
): CreateRequest {
  const flags = options.flags ?? CreateMode.persistent;
  return {
    type: opCodeOf(flags, plain),
    path,
    data: bytesOf(data),
    acl: options.acl ?? OPEN_ACL_UNSAFE,
    flags,
    ttlMs: options.ttlMs ?? 0,
  };
}

export function isSequentialMode(flags: number): boolean {
  return (
    flags === CreateMode.persistentSequential ||
    flags === CreateMode.ephemeralSequential ||
    flags === CreateMode.persistentSequentialWithTtl
  );
}

/** Text as UTF-8. */
export function bytesOf(data: Data | string): Data {
  return typeof data === 'string' ? Buffer.from(data) : data;
}

function opCodeOf(
  flags: number,
  plain: typeof OpCode.create | typeof OpCode.create2,
): CreateRequest['type'] {
  switch (flags) {
    case CreateMode.container:
      return OpCode.createContainer;
    case CreateMode.persistentWithTtl:
    case CreateMode.persistentSequentialWithTtl:
      return OpCode.createTtl;
    default:
      return plain;
  }
}
