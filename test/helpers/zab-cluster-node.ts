/**
 * One board of a simulated ensemble: its peer while it runs, and what stays when it loses power:
 * the journal and the snapshots on its medium. Recovery folds the journal as the real log does.
 */
import assert from 'node:assert/strict';
import type { HistoryEntry, HistoryState } from '../../node/core/zab/history.ts';
import type { JournalRecord } from '../../node/core/zab/journal-record.ts';
import type { Role } from '../../node/core/zab/outputs.ts';
import type { ZabPeer } from '../../node/core/zab/peer.ts';
import { formatZxid, type Zxid } from '../../node/core/zxid.ts';

export interface Batch {
  readonly records: readonly JournalRecord[];
  readonly committed: Zxid;
  readonly token: number;
}

export class ClusterNode {
  readonly sid: number;
  peer: ZabPeer | null = null;
  incarnation = 0;
  role: Role = 'looking';
  leader = -1;
  /** What is on the medium. */
  durable: JournalRecord[] = [];
  confirmedOnDisk: Zxid = 0;
  readonly snapshots = new Map<Zxid, HistoryEntry[]>();
  inFlight: Batch[] = [];
  isFlushing = false;
  /** The tree: everything applied, in order. */
  tree: HistoryEntry[] = [];
  staged: { token: number; tree: HistoryEntry[] } | null = null;
  halted: string | null = null;

  constructor(sid: number) {
    this.sid = sid;
  }

  /** Makes the first `count` batches in flight durable; returns their tokens. */
  flushed(count: number): number[] {
    const batches = this.inFlight.splice(0, count);
    for (const { records, committed } of batches) {
      this.durable.push(...records);
      this.confirmedOnDisk = Math.max(this.confirmedOnDisk, committed);
    }
    return batches.map(({ token }) => token);
  }

  /** Power is gone; of what was in flight the first `kept` records had reached the medium. */
  losePower(kept: number): void {
    const records = this.inFlight.flatMap((batch) => batch.records);
    this.durable.push(...records.slice(0, kept));
    this.peer = null;
    this.incarnation += 1;
    this.inFlight = [];
    this.isFlushing = false;
    this.staged = null;
  }

  /** What a restart finds on the medium; the tree is what is known to be committed of it. */
  recover(): HistoryState {
    const state = foldRecords(this.durable);
    const snapshot = state.base === 0 ? [] : this.snapshots.get(state.base);
    assert.ok(snapshot, `snapshot of ${formatZxid(state.base)}`);
    const confirmed = Math.min(this.confirmedOnDisk, state.entries.at(-1)?.zxid ?? state.base);
    const committed = Math.max(confirmed, state.base);
    this.tree = [...snapshot, ...state.entries.filter((entry) => entry.zxid <= committed)];
    return { ...state, committed, confirmed };
  }
}

export function foldRecords(records: readonly JournalRecord[]): HistoryState {
  let entries: HistoryEntry[] = [];
  let base = 0;
  let acceptedEpoch = 0;
  let currentEpoch = 0;
  let ancestry: { epoch: number; base: Zxid }[] = [];
  for (const record of records) {
    switch (record.type) {
      case 'txn':
        entries.push({ zxid: record.zxid, txn: record.txn });
        break;
      case 'promise':
        acceptedEpoch = Math.max(acceptedEpoch, record.epoch);
        break;
      case 'epoch':
        currentEpoch = record.epoch;
        ancestry.push({ epoch: record.epoch, base: record.base });
        break;
      case 'truncate':
        entries = entries.filter((entry) => entry.zxid <= record.zxid);
        ancestry = ancestry.filter((ancestor) => ancestor.base <= record.zxid);
        break;
      case 'snapshot':
        if (!record.isReset) break;
        entries = [];
        base = record.zxid;
        ancestry = [];
        break;
    }
  }
  return { acceptedEpoch, currentEpoch, ancestry, committed: 0, confirmed: 0, base, entries };
}
