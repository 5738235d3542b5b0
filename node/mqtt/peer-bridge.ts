/**
 * Ties the bridge to a peer: turns what the tree says into committed changes, numbered within
 * their transaction, and reads the tree for the bridge when it must publish everything afresh.
 */

import type { DataTree } from '../core/tree/data-tree.ts';
import type { TxnHeader } from '../core/tree/txn.ts';
import { statOf, type Znode } from '../core/tree/znode.ts';
import type { Zxid } from '../core/zxid.ts';
import type { ChangeKind } from '../runtime/replica.ts';
import type { CommittedChange, TreeSource } from './committed-change.ts';

export class ChangeNumbering {
  private zxid: Zxid = -1;
  private index = 0;

  change(kind: ChangeKind, node: Znode, header: TxnHeader): CommittedChange {
    this.index = header.zxid === this.zxid ? this.index + 1 : 0;
    this.zxid = header.zxid;
    const isDeleted = kind === 'deleted';
    return {
      zxid: header.zxid,
      index: this.index,
      kind,
      path: node.path,
      data: isDeleted ? null : node.data,
      stat: isDeleted ? null : statOf(node),
      timeMs: header.timeMs,
      session: header.session,
    };
  }
}

/** `tree` is asked anew each time: a snapshot from the leader replaces it. */
export function treeSource(tree: () => DataTree): TreeSource {
  return {
    *nodes() {
      for (const node of tree().all()) {
        yield { path: node.path, data: node.data, stat: statOf(node) };
      }
    },
    has: (path) => tree().get(path) !== undefined,
  };
}
