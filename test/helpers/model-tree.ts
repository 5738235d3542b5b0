/**
 * A tree for comparison, as simple as it can be: it carries requests out at once, copies everything
 * before a multi, and looks for children by their paths.
 */
import { OpCode } from '../../node/core/request/op-code.ts';
import type { MultiOp, WriteRequest } from '../../node/core/request/requests.ts';
import type { SessionId } from '../../node/core/session-id.ts';
import type { AclList } from '../../node/core/tree/acl.ts';

interface ModelNode {
  readonly data: Uint8Array | null;
  readonly acl: AclList;
  readonly version: number;
  readonly aversion: number;
  readonly creates: number;
  readonly owner: string;
  readonly mzxid: number;
  readonly pzxid: number;
}

export class ModelTree {
  nodes = new Map<string, ModelNode>();

  constructor() {
    this.put('/', fresh(0, '', new Uint8Array(0), OPEN));
  }

  /** Error codes, one for each operation; a single request is one operation. */
  write(request: WriteRequest, session: SessionId, zxid: number): readonly number[] {
    if (request.type !== OpCode.multi) return [this.one(request, session, zxid)];
    const before = new Map(this.nodes);
    const errs: number[] = [];
    for (const op of request.ops) {
      const err = this.one(op, session, zxid);
      errs.push(err);
      if (err === 0) continue;
      this.nodes = before;
      return request.ops.map((_, i) => (i < errs.length - 1 ? 0 : (errs[i] ?? -2)));
    }
    return errs;
  }

  private one(request: WriteRequest | MultiOp, session: SessionId, zxid: number): number {
    if (request.type === OpCode.closeSession) {
      for (const [path, node] of [...this.nodes]) {
        if (node.owner === `${session}`) this.drop(path, zxid);
      }
      return 0;
    }
    if (request.type === OpCode.multi || request.type === OpCode.createSession) return 0;
    // The leader's own; the driver never asks for it.
    if (request.type === OpCode.deleteContainer) return 0;
    const node = this.nodes.get(request.path);
    const parent = this.nodes.get(above(request.path));
    switch (request.type) {
      case OpCode.delete:
        if (parent === undefined) return -101;
        if (!allows(parent, 8)) return -102;
        if (node === undefined) return -101;
        if (request.version !== -1 && request.version !== node.version) return -103;
        if ([...this.nodes.keys()].some((path) => path.startsWith(`${request.path}/`))) return -111;
        this.drop(request.path, zxid);
        return 0;
      case OpCode.setData: {
        if (node === undefined) return -101;
        if (!allows(node, 2)) return -102;
        if (request.version !== -1 && request.version !== node.version) return -103;
        const { data } = request;
        this.put(request.path, { ...node, data, version: node.version + 1, mzxid: zxid });
        return 0;
      }
      case OpCode.setAcl: {
        if (node === undefined) return -101;
        if (!allows(node, 16)) return -102;
        if (request.version !== -1 && request.version !== node.aversion) return -103;
        const acl = request.acl ?? [];
        this.put(request.path, { ...node, acl, aversion: node.aversion + 1 });
        return 0;
      }
      case OpCode.check:
        if (node === undefined) return -101;
        return request.version !== -1 && request.version !== node.version ? -103 : 0;
      default: {
        if (parent === undefined) return -101;
        if (!allows(parent, 4)) return -102;
        const number = String(parent.creates).padStart(10, '0');
        const path = request.flags >= 2 ? request.path + number : request.path;
        if (this.nodes.has(path)) return -110;
        if (parent.owner !== '') return -108;
        this.put(above(path), { ...parent, creates: parent.creates + 1, pzxid: zxid });
        const owner = request.flags % 2 === 1 ? `${session}` : '';
        this.put(path, fresh(zxid, owner, request.data, request.acl ?? []));
        return 0;
      }
    }
  }

  private put(path: string, node: ModelNode): void {
    this.nodes.set(path, node);
  }

  private drop(path: string, zxid: number): void {
    this.nodes.delete(path);
    const parent = this.nodes.get(above(path));
    if (parent !== undefined) this.put(above(path), { ...parent, pzxid: zxid });
  }
}

const OPEN: AclList = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];

function fresh(zxid: number, owner: string, data: Uint8Array | null, acl: AclList): ModelNode {
  return { data, acl, version: 0, aversion: 0, creates: 0, owner, mzxid: zxid, pzxid: zxid };
}

function above(path: string): string {
  return path.split('/').slice(0, -1).join('/') || '/';
}

function allows(node: ModelNode, perm: number): boolean {
  return node.acl.some(({ perms }) => (perms & perm) !== 0);
}
