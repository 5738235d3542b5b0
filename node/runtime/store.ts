/**
 * A peer's memory on disk: opens journal and snapshots, rebuilds the tree as far as it is known to
 * be committed, and takes snapshots when enough log has gathered. All of the runtime's disk work
 * goes through here.
 */
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Log } from '../core/log-sink.ts';
import { DataTree } from '../core/tree/data-tree.ts';
import { TreeImage } from '../core/tree/tree-image.ts';
import type { TreeWalk } from '../core/tree/tree-walk.ts';
import type { HistoryState } from '../core/zab/history.ts';
import type { JournalRecord } from '../core/zab/journal-record.ts';
import { formatZxid, type Zxid } from '../core/zxid.ts';
import { decodeTxn } from '../jute/txns.ts';
import type { Disk } from '../log/disk.ts';
import type { Journal } from '../log/journal.ts';
import { type Recovered, recoverJournal } from '../log/recovery.ts';
import { snapshotIsDue } from '../log/retention.ts';
import { loadSnapshot } from '../log/snapshot-reader.ts';
import { writeSnapshot } from '../log/snapshot-writer.ts';
import type { MetricsRegistry } from './metrics.ts';

export interface StoreOptions {
  readonly disk: Disk;
  readonly dataDir: string;
  readonly dataLogDir: string;
  readonly sid: number;
  readonly segmentBytesMax: number;
  readonly log: Log;
  /** A write or flush has failed: the peer must halt. Called once. */
  readonly onFailed: (error: Error) => void;
  /** A snapshot could not be written: the peer must halt, though its journal is whole. */
  readonly onSnapshotFailed: (error: Error) => void;
  readonly metrics: MetricsRegistry;
}

export interface OpenedStore {
  readonly store: Store;
  readonly tree: DataTree;
  readonly history: HistoryState;
}

export class Store {
  private readonly options: StoreOptions;
  private readonly journal: Journal;
  private snapshotBytes: number;
  private isSnapshotting = false;
  private isClosed = false;

  private constructor(options: StoreOptions, journal: Journal, snapshotBytes: number) {
    this.options = options;
    this.journal = journal;
    this.snapshotBytes = snapshotBytes;
  }

  /** Blocks. Throws the errors of recovery, each with its remedy. */
  static open(options: StoreOptions): OpenedStore {
    const { summaries } = options.metrics;
    const startMs = performance.now();
    const recovered = recoverJournal({
      disk: options.disk,
      directory: path.join(options.dataLogDir, 'journal'),
      snapshotDirectory: snapshotDirectory(options),
      sid: options.sid,
      newSeed: () => randomInt(2 ** 32),
      segmentBytesMax: options.segmentBytesMax,
      onFailed: options.onFailed,
      onBatch: ({ records, flushMs }) => {
        summaries.fsynctime.note(flushMs);
        summaries.sync_processor_batch_size.note(records);
      },
    });
    for (const damage of recovered.damagedSnapshots) options.log.warn(damage);
    if (recovered.tornBytesDropped > 0) {
      options.log.warn('cut a torn tail off the journal; nothing in it was acknowledged', {
        bytes: recovered.tornBytesDropped,
      });
    }
    const tree = rebuildTree(options, recovered);
    summaries.dbinittime.note(Math.floor(performance.now() - startMs));
    const history: HistoryState = {
      acceptedEpoch: recovered.promisedEpoch,
      currentEpoch: recovered.currentEpoch,
      ancestry: recovered.epochs,
      committed: recovered.committed,
      confirmed: recovered.confirmed,
      base: recovered.snapshotZxid,
      entries: recovered.txns,
    };
    options.log.info('recovered', {
      snapshot: formatZxid(recovered.snapshotZxid),
      committed: formatZxid(recovered.committed),
      logged: formatZxid(recovered.txns.at(-1)?.zxid ?? recovered.snapshotZxid),
      znodes: tree.nodeCount,
    });
    const store = new Store(options, recovered.journal, recovered.snapshotBytes);
    return { store, tree, history };
  }

  append(records: readonly JournalRecord[], committed: Zxid, onDurable: () => void): void {
    if (!this.isClosed) this.journal.append(records, committed, onDurable);
  }

  /** Starts a snapshot of `tree` when enough has been logged since the last one. */
  snapshotIfDue(tree: DataTree, committed: () => Zxid): void {
    if (this.isSnapshotting || this.isClosed) return;
    if (!snapshotIsDue(this.journal.bytesSinceSnapshot, this.snapshotBytes)) return;
    this.isSnapshotting = true;
    const { zxid } = this.writeTree(tree, (error) => {
      this.isSnapshotting = false;
      if (this.isClosed) return;
      if (error !== null) return this.options.onSnapshotFailed(error);
      const record: JournalRecord = { type: 'snapshot', zxid, isReset: false };
      this.journal.append([record], committed(), () => this.journal.purge());
    });
  }

  /** Writes a snapshot of `tree` as it is now; `done` runs when it is on the medium. */
  writeTree(tree: DataTree, done: (error: Error | null) => void): { readonly zxid: Zxid } {
    const { disk, sid, log, metrics } = this.options;
    const walk = tree.startWalk();
    const startMs = performance.now();
    writeSnapshot(disk, snapshotDirectory(this.options), sid, sourceOf(walk), (error, report) => {
      walk.close();
      if (report !== null) {
        this.snapshotBytes = report.bytes;
        metrics.summaries.snapshottime.note(Math.floor(performance.now() - startMs));
        log.info('wrote a snapshot', {
          zxid: formatZxid(report.zxid),
          bytes: report.bytes,
          znodes: report.nodes,
        });
      }
      done(error);
    });
    return { zxid: walk.zxid };
  }

  /** Takes nothing more; `done` runs when all that was appended is durable. */
  close(done: () => void): void {
    this.isClosed = true;
    this.journal.close(done);
  }
}

function snapshotDirectory(options: StoreOptions): string {
  return path.join(options.dataDir, 'snapshots');
}

/** The snapshot and what is known to be committed after it. */
function rebuildTree(options: StoreOptions, recovered: Recovered): DataTree {
  const { summaries } = options.metrics;
  const startMs = performance.now();
  const tree = loadTree(options, recovered.snapshotZxid);
  const loadedMs = performance.now();
  let applied = 0;
  for (const { zxid, txn } of recovered.txns) {
    if (zxid > recovered.committed) break;
    const decoded = decodeTxn(txn);
    tree.apply(decoded.header, decoded.txn);
    applied += 1;
  }
  summaries.startup_snap_load_time.note(Math.floor(loadedMs - startMs));
  summaries.startup_txns_load_time.note(Math.floor(performance.now() - loadedMs));
  summaries.startup_txns_loaded.note(applied);
  return tree;
}

function loadTree(options: StoreOptions, zxid: Zxid): DataTree {
  if (zxid === 0) return new DataTree();
  const image = new TreeImage();
  loadSnapshot(options.disk, snapshotDirectory(options), zxid, image);
  return image.finish(zxid);
}

function sourceOf(walk: TreeWalk): Parameters<typeof writeSnapshot>[3] {
  return {
    zxid: walk.zxid,
    *sessions() {
      for (const { id, timeoutMs } of walk.sessions) yield [id, timeoutMs] as const;
    },
    next: (limit) => walk.next(limit),
  };
}
