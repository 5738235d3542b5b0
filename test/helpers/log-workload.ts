/**
 * A seeded life of a journal (appends, commits, epochs, truncations, snapshots, resets, purges,
 * with completions at any time) and a model of it: a plain list of records, folded the slow way.
 * After a crash, what recovery says must be the model after some prefix of the records that holds
 * every acknowledged one.
 */
import assert from 'node:assert/strict';
import { Prng } from '../../node/core/prng.ts';
import type { JournalRecord } from '../../node/core/zab/journal-record.ts';
import { epochOf, makeZxid, type Zxid } from '../../node/core/zxid.ts';
import type { Journal } from '../../node/log/journal.ts';
import { type Recovered, recoverJournal } from '../../node/log/recovery.ts';
import { loadSnapshot } from '../../node/log/snapshot-reader.ts';
import { writeSnapshot } from '../../node/log/snapshot-writer.ts';
import { node, options, SID, SNAPSHOTS, sourceOf, summary, txnBytes } from './log-journal.ts';
import { SimCrash, type SimDisk } from './sim-disk.ts';

const SMALL = { segmentBytesMax: 1500, batchBytesMax: 700 };

export function recoverSmall(disk: SimDisk, onFailed?: (error: Error) => void): Recovered {
  const changes = onFailed === undefined ? SMALL : { ...SMALL, onFailed };
  return recoverJournal(options(disk, changes));
}

export class Workload {
  private readonly disk: SimDisk;
  private readonly prng: Prng;
  private readonly records: JournalRecord[] = [];
  /** Records that have been acknowledged as durable. */
  private acknowledged = 0;
  private acknowledgedCommit: Zxid = 0;
  private zxids: Zxid[] = [];
  private base: Zxid = 0;
  private committed: Zxid = 0;
  private epoch = 0;
  private isSnapshotting = false;

  constructor(disk: SimDisk, seed: number) {
    this.disk = disk;
    this.prng = new Prng(seed);
  }

  /** Runs until the end or until the disk stops the machine. */
  run(steps: number): void {
    try {
      const { journal } = recoverSmall(this.disk);
      this.joinEpoch(journal, false);
      for (let i = 0; i < steps && !this.disk.hasCrashed; i += 1) {
        this.step(journal);
        for (let n = this.prng.below(6); n > 0; n -= 1) this.disk.runNext();
      }
      if (!this.disk.hasCrashed) journal.close(() => {});
      this.disk.run();
    } catch (error) {
      if (!(error instanceof SimCrash)) throw error;
    }
  }

  /** Everything acknowledged is there, and nothing that was not written. */
  check(recovered: Recovered, context: string): void {
    const found = JSON.stringify(this.comparable(recovered));
    const candidates: string[] = [];
    for (let n = this.acknowledged; n <= this.records.length; n += 1) {
      candidates.push(JSON.stringify(this.model(n, recovered.snapshotZxid)));
    }
    assert.ok(
      candidates.includes(found),
      `${context}: recovered ${found}\nfrom ${this.acknowledged} acknowledged of ` +
        `${this.records.length} records; acknowledged was ${candidates[0]}`,
    );
    assert.ok(recovered.committed >= this.acknowledgedCommit, `${context}: a commit is forgotten`);
    for (const entry of recovered.txns) {
      assert.deepEqual(Buffer.from(entry.txn), Buffer.from(txnBytes(entry.zxid)), context);
    }
    if (recovered.snapshotZxid === 0) return;
    const paths: string[] = [];
    loadSnapshot(this.disk, SNAPSHOTS, recovered.snapshotZxid, {
      addSession: () => {},
      addNode: (loaded) => paths.push(loaded.path),
    });
    assert.deepEqual(paths, ['/', `/n${recovered.snapshotZxid}`], context);
  }

  private step(journal: Journal): void {
    const dice = this.prng.below(20);
    if (dice < 13) this.appendTxns(journal, 1 + this.prng.below(4));
    else if (dice === 13) this.joinEpoch(journal, true);
    else if (dice < 18) this.snapshot(journal, false);
    else if (dice === 18) this.snapshot(journal, true);
    else journal.purge();
  }

  private get last(): Zxid {
    return this.zxids.at(-1) ?? this.base;
  }

  private appendTxns(journal: Journal, count: number): void {
    const records: JournalRecord[] = [];
    for (let i = 0; i < count; i += 1) records.push(this.nextTxn());
    const held = this.zxids.filter((zxid) => zxid >= this.committed);
    if (held.length > 0) this.committed = this.prng.pick(held);
    this.append(journal, records);
  }

  private nextTxn(): JournalRecord {
    const isSame = epochOf(this.last) === this.epoch;
    const zxid = isSame ? this.last + 1 : makeZxid(this.epoch, 1);
    this.zxids.push(zxid);
    return { type: 'txn', zxid, txn: txnBytes(zxid) };
  }

  private joinEpoch(journal: Journal, truncates: boolean): void {
    this.epoch += 1 + this.prng.below(2);
    this.append(journal, [{ type: 'promise', epoch: this.epoch }]);
    const records: JournalRecord[] = [];
    if (truncates) {
      const cut = this.prng.pick([this.committed, this.last]);
      this.zxids = this.zxids.filter((zxid) => zxid <= cut);
      records.push({ type: 'truncate', zxid: cut });
    }
    records.push({ type: 'epoch', epoch: this.epoch, base: this.last }, this.nextTxn());
    this.append(journal, records);
  }

  private snapshot(journal: Journal, isReset: boolean): void {
    if (this.isSnapshotting || (this.committed === 0 && !isReset)) return;
    this.isSnapshotting = true;
    const zxid = isReset ? makeZxid(this.epoch, (this.last % 2 ** 32) + 20) : this.committed;
    const source = sourceOf(zxid, [node('/', 0), node(`/n${zxid}`, zxid)]);
    const append = (): void => {
      this.isSnapshotting = false;
      if (isReset) {
        this.zxids = [];
        this.base = zxid;
        this.committed = zxid;
      }
      this.append(journal, [{ type: 'snapshot', zxid, isReset }]);
      if (!isReset && this.prng.oneIn(2)) journal.purge();
    };
    // A peer that takes its leader's snapshot appends nothing meanwhile.
    let isDone = false;
    writeSnapshot(this.disk, SNAPSHOTS, SID, source, (error) => {
      assert.equal(error, null);
      isDone = true;
      append();
    });
    while (isReset && !isDone && this.disk.runNext()) {
      // Until the reset snapshot is on the medium.
    }
  }

  private append(journal: Journal, records: readonly JournalRecord[]): void {
    this.records.push(...records);
    const total = this.records.length;
    const { committed } = this;
    journal.append(records, committed, () => {
      assert.ok(total > this.acknowledged, 'acknowledgements come in order');
      this.acknowledged = total;
      this.acknowledgedCommit = Math.max(this.acknowledgedCommit, committed);
    });
  }

  /** The state after the first `count` records, seen from a snapshot. */
  private model(count: number, snapshotZxid: Zxid): unknown {
    let zxids: Zxid[] = [];
    let promised = 0;
    let current = 0;
    let snapshots: Zxid[] = [0];
    for (const record of this.records.slice(0, count)) {
      if (record.type === 'txn') zxids.push(record.zxid);
      if (record.type === 'promise') promised = record.epoch;
      if (record.type === 'epoch') current = record.epoch;
      if (record.type === 'truncate') zxids = zxids.filter((zxid) => zxid <= record.zxid);
      if (record.type === 'snapshot' && record.isReset) {
        zxids = [];
        snapshots = [record.zxid];
      } else if (record.type === 'snapshot') snapshots.push(record.zxid);
    }
    const isBase = snapshots.includes(snapshotZxid);
    return { promised, current, isBase, txns: zxids.filter((zxid) => zxid > snapshotZxid) };
  }

  private comparable(recovered: Recovered): unknown {
    return {
      promised: recovered.promisedEpoch,
      current: recovered.currentEpoch,
      isBase: true,
      txns: recovered.txns.map((entry) => entry.zxid),
    };
  }
}

/** Recovery after recovery says the same, after a power cut and after a kill. */
export function checkStable(disk: SimDisk, recovered: Recovered, seed: number): void {
  const expected = summary(recovered);
  disk.powerCut(new Prng(seed));
  assert.deepEqual(summary(recoverSmall(disk)), expected);
  disk.kill();
  assert.deepEqual(summary(recoverSmall(disk)), expected);
}
