/**
 * The sending side of SNAP: a walk over the tree as the chunks that follow the packet on the
 * stream (layout in `snapshot-body.ts`). The walk is asked for a slice only when the last chunk is
 * gone, so a large tree costs neither memory nor a long turn of the event loop.
 */
import { invariant } from '../core/invariant.ts';
import type { SessionId } from '../core/session-id.ts';
import { type AclList, OPEN_ACL_UNSAFE } from '../core/tree/acl.ts';
import type { ZnodeRecord } from '../core/tree/znode.ts';
import type { Zxid } from '../core/zxid.ts';
import { writeAclList } from './records.ts';
import { SIGNATURE } from './snapshot-body.ts';
import { JuteWriter } from './writer.ts';

/**
 * A TreeWalk, and the access control lists of the tree when the walk began: the format wants every
 * list in front of the first znode.
 */
export interface SnapshotSource {
  readonly zxid: Zxid;
  readonly sessions: Iterable<{ readonly id: SessionId; readonly timeoutMs: number }>;
  /** Every list that a znode of the walk has, each the very object; repetitions are allowed. */
  readonly acls: Iterable<AclList>;
  /** At most `limit` znodes more, parents before children, the root first; none at the end. */
  next(limit: number): readonly ZnodeRecord[];
  /** Called when the walk is over or given up. */
  close(): void;
}

const CHUNK_BYTES = 64 * 1024;
const NODES_A_SLICE = 256;
const OPEN_ACL_ID = -1;

/** The bytes behind a SNAP packet, signature included, in chunks of roughly `chunkBytes`. */
export function* snapshotChunks(
  source: SnapshotSource,
  chunkBytes = CHUNK_BYTES,
): Generator<Buffer, void> {
  const writer = new JuteWriter(chunkBytes * 2);
  try {
    writeSessions(writer, source.sessions);
    const acls = new AclIds(source.acls);
    acls.write(writer);
    for (;;) {
      const nodes = source.next(NODES_A_SLICE);
      if (nodes.length === 0) break;
      for (const node of nodes) {
        writeNode(writer, node, acls);
        if (writer.length >= chunkBytes) yield writer.take();
      }
    }
    yield writer.string('/').string(SIGNATURE).take();
  } finally {
    source.close();
  }
}

function writeSessions(writer: JuteWriter, sessions: SnapshotSource['sessions']): void {
  const at = writer.reserveInt();
  let count = 0;
  for (const { id, timeoutMs } of sessions) {
    writer.session(id).int(timeoutMs);
    count += 1;
  }
  writer.patchInt(at, count);
}

function writeNode(writer: JuteWriter, node: ZnodeRecord, acls: AclIds): void {
  writer
    .string(node.path === '/' ? '' : node.path)
    .buffer(node.data)
    .long(acls.idOf(node.acl));
  writer.long(node.czxid).long(node.mzxid).long(node.ctime).long(node.mtime);
  writer.int(node.version).int(node.cversion).int(node.aversion);
  writer.session(node.ephemeralOwner).long(node.pzxid);
}

/** Numbers the distinct lists. Apache tells lists apart by their content, so equal ones are one. */
class AclIds {
  private readonly byList = new Map<AclList, number>();
  private readonly lists: AclList[] = [];

  constructor(acls: Iterable<AclList>) {
    const byContent = new Map<string, number>([[keyOf(OPEN_ACL_UNSAFE), OPEN_ACL_ID]]);
    this.byList.set(OPEN_ACL_UNSAFE, OPEN_ACL_ID);
    for (const acl of acls) {
      if (this.byList.has(acl)) continue;
      const key = keyOf(acl);
      let number = byContent.get(key);
      if (number === undefined) {
        number = this.lists.push(acl);
        byContent.set(key, number);
      }
      this.byList.set(acl, number);
    }
  }

  write(writer: JuteWriter): void {
    writer.int(this.lists.length);
    for (const [index, acl] of this.lists.entries()) writeAclList(writer.long(index + 1), acl);
  }

  idOf(acl: AclList): number {
    const number = this.byList.get(acl);
    invariant(number !== undefined, 'the ACL of a walked znode is in the map', { acl });
    return number;
  }
}

function keyOf(acl: AclList): string {
  return JSON.stringify(acl.map(({ perms, id }) => [perms, id.scheme, id.id]));
}
