/**
 * Brings a fuzzy tree to one exact zxid. An Apache leader dumps its tree while it goes on applying,
 * so what it sends may hold effects of transactions that it then sends as well. Every transaction
 * since the dump began is replayed here, in order and to the end: a znode that is too new is taken
 * back to what the transaction says, and the transactions behind it make it new again.
 *
 * Only for a snapshot on its way in. A tree that serves takes each transaction once
 * (DataTree.apply).
 */
import { OpCode } from '../request/op-code.ts';
import type { DataTree } from './data-tree.ts';
import { parentOf } from './path.ts';
import type { SingleTxn, Txn, TxnHeader } from './txn.ts';

export class FuzzyReplay {
  private readonly tree: DataTree;

  constructor(tree: DataTree) {
    this.tree = tree;
  }

  /** Transactions must come in order; those that the tree holds for certain are passed over. */
  apply(header: TxnHeader, txn: Txn): void {
    if (header.zxid <= this.tree.lastZxid) return;
    if (txn.type === OpCode.multi) {
      const hasFailed = txn.txns.some((op) => op.type === OpCode.error);
      if (!hasFailed) for (const op of txn.txns) this.applyOne(header, op);
    } else this.applyOne(header, txn);
    this.tree.advanceTo(header.zxid);
  }

  private applyOne(header: TxnHeader, txn: SingleTxn): void {
    switch (txn.type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTtl: {
        // The parent is gone: a later transaction deletes it, and this znode before it.
        if (this.tree.get(parentOf(txn.path)) === undefined) return;
        this.tree.dropSubtree(txn.path);
        break;
      }
      case OpCode.delete:
      case OpCode.deleteContainer: {
        const node = this.tree.get(txn.path);
        if (node === undefined) {
          this.tree.noteDeletion(txn.path, header.zxid);
          return;
        }
        for (const child of [...(node.children ?? [])]) this.tree.dropSubtree(child.path);
        break;
      }
      case OpCode.setData:
      case OpCode.reconfig:
      case OpCode.setAcl:
        if (this.tree.get(txn.path) === undefined) return;
        break;
      default:
        break;
    }
    this.tree.applyPart(header, txn);
  }
}
