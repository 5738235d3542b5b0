/**
 * The state machine that Zab replicates: the tree and the watches on it. `apply` is the only way
 * in, whether a transaction comes from recovery, from a synchronisation or from broadcast.
 */
import type { DataTree, TreeListener } from '../core/tree/data-tree.ts';
import type { Txn, TxnHeader } from '../core/tree/txn.ts';
import type { TxnResult } from '../core/tree/txn-result.ts';
import { WatchEventType, WatchTable } from '../core/tree/watches.ts';
import type { Znode } from '../core/tree/znode.ts';
import type { HistoryEntry } from '../core/zab/history.ts';
import { decodeTxn } from '../jute/txns.ts';
import { MetricsRegistry } from './metrics.ts';

export type ChangeKind = 'created' | 'changed' | 'deleted';

/** Hears every committed change of data, on every peer, in zxid order. */
export type ChangeListener = (kind: ChangeKind, node: Znode, header: TxnHeader) => void;

export interface Applied {
  readonly header: TxnHeader;
  readonly txn: Txn;
  readonly result: TxnResult;
}

export class Replica implements TreeListener {
  readonly metrics: MetricsRegistry;
  private dataTree: DataTree;
  private watchTable: WatchTable;
  private readonly onChange: ChangeListener | null;

  constructor(tree: DataTree, onChange: ChangeListener | null, metrics = new MetricsRegistry()) {
    this.metrics = metrics;
    this.watchTable = this.newWatchTable();
    this.dataTree = tree;
    this.dataTree.listener = this;
    this.onChange = onChange;
  }

  get tree(): DataTree {
    return this.dataTree;
  }

  get watches(): WatchTable {
    return this.watchTable;
  }

  apply(entry: HistoryEntry): Applied {
    const { header, txn } = decodeTxn(entry.txn);
    return { header, txn, result: this.dataTree.apply(header, txn) };
  }

  /** A leader's snapshot takes the tree's place. Nobody is being served, so no watch is lost. */
  replace(tree: DataTree): void {
    this.dataTree.listener = null;
    this.dataTree = tree;
    this.dataTree.listener = this;
    this.watchTable = this.newWatchTable();
  }

  created(path: string, node: Znode, header: TxnHeader, parent: Znode): void {
    this.metrics.noteWrite(path, node.data?.length ?? 0);
    this.watchTable.created(path, node, header, parent);
    this.onChange?.('created', node, header);
  }

  deleted(path: string, node: Znode, header: TxnHeader, parent: Znode): void {
    this.metrics.noteWrite(path, 0);
    this.watchTable.deleted(path, node, header, parent);
    this.onChange?.('deleted', node, header);
  }

  dataChanged(path: string, node: Znode, header: TxnHeader): void {
    this.metrics.noteWrite(path, node.data?.length ?? 0);
    this.watchTable.dataChanged(path, node, header);
    this.onChange?.('changed', node, header);
  }

  aclChanged(): void {
    this.watchTable.aclChanged();
  }

  private newWatchTable(): WatchTable {
    const { summaries } = this.metrics;
    const fired = {
      [WatchEventType.created]: summaries.node_created_watch_count,
      [WatchEventType.deleted]: summaries.node_deleted_watch_count,
      [WatchEventType.dataChanged]: summaries.node_changed_watch_count,
      [WatchEventType.childrenChanged]: summaries.node_children_watch_count,
    };
    return new WatchTable((type, watchers) => fired[type].note(watchers));
  }
}
