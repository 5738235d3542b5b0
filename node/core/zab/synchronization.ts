/**
 * The two ends of synchronisation. `sendDifference` is the leader's: everything a learner lacks,
 * with NEWLEADER behind it in the same FIFO. `Synchronization` is what the learner has received of
 * it, and `join` turns that into one append: history, then currentEpoch.
 */
import { counterOf, epochOf, formatZxid, type Zxid } from '../zxid.ts';
import type { ZabContext } from './context.ts';
import { type History, type HistoryEntry, isNext } from './history.ts';
import type { JournalRecord } from './journal-record.ts';
import type { LearnerHandler } from './learner-handler.ts';
import type { DiffMessage, SnapMessage, TruncMessage } from './messages.ts';
import { planSync } from './sync-plan.ts';

/** The first message of a synchronisation. */
export type DifferenceMessage = DiffMessage | TruncMessage | SnapMessage;

/** `syncPoint`: the learner is brought to it by committed transactions, beyond it by proposals. */
export function sendDifference(
  ctx: ZabContext,
  handler: LearnerHandler,
  epoch: number,
  syncPoint: Zxid,
): void {
  const { history } = ctx;
  const plan = planSync(history, handler.lastZxid, syncPoint);
  const from = plan.type === 'snap' ? history.committed : plan.from;
  if (plan.type === 'snap') ctx.put({ type: 'sendSnapshot', link: handler.link });
  else ctx.send(handler.link, { type: plan.type, zxid: plan.zxid });
  for (const { zxid, txn } of history.entriesAfter(from)) {
    if (zxid <= syncPoint) {
      ctx.send(handler.link, { type: 'proposal', zxid, txn });
      ctx.send(handler.link, { type: 'commit', zxid });
    } else if (!handler.isObserver) {
      ctx.send(handler.link, { type: 'proposal', zxid, txn });
      handler.proposed(zxid, ctx.nowMs);
    }
  }
  ctx.send(handler.link, { type: 'newLeader', epoch, config: ctx.config.configText });
  ctx.log('info', `synchronising peer ${handler.sid} by ${plan.type.toUpperCase()}`, {
    lastZxid: formatZxid(handler.lastZxid),
    syncPoint: formatZxid(syncPoint),
    from: formatZxid(from),
  });
}

/** What the leader has sent between ACKEPOCH and NEWLEADER. */
export class Synchronization {
  readonly mode: 'diff' | 'trunc' | 'snap';
  /** All up to here is committed once UPTODATE comes. */
  readonly zxid: Zxid;
  readonly image: unknown;
  /** Where the entries go on from. */
  readonly base: Zxid;
  private entries: HistoryEntry[] = [];
  private lastZxid: Zxid;
  private committedZxid: Zxid;

  constructor(message: DifferenceMessage, base: Zxid, committed: Zxid) {
    this.mode = message.type;
    this.zxid = message.zxid;
    this.image = message.type === 'snap' ? message.image : null;
    this.base = base;
    this.lastZxid = base;
    this.committedZxid = committed;
  }

  get last(): Zxid {
    return this.lastZxid;
  }

  /** The last COMMIT; at least what the history before the entries was. */
  get committed(): Zxid {
    return this.committedZxid;
  }

  /** False when the entry does not follow what there is. */
  take(entry: HistoryEntry): boolean {
    // A leader that dumps its tree while it goes on may send what the snapshot holds already.
    if (this.mode === 'snap' && entry.zxid <= this.zxid) return true;
    if (!isNext(this.lastZxid, entry.zxid)) return false;
    this.lastZxid = entry.zxid;
    this.entries.push(entry);
    return true;
  }

  commit(zxid: Zxid): void {
    this.committedZxid = Math.max(this.committedZxid, zxid);
  }

  committedEntries(): HistoryEntry[] {
    return this.entries.filter((entry) => entry.zxid <= this.committedZxid);
  }

  pendingEntries(): HistoryEntry[] {
    return this.entries.filter((entry) => entry.zxid > this.committedZxid);
  }
}

/** What a first message begins for this history; null for a TRUNC that cannot be carried out. */
export function synchronizationFrom(
  history: History,
  message: DifferenceMessage,
): Synchronization | null {
  if (message.type === 'snap') return new Synchronization(message, message.zxid, message.zxid);
  if (message.type === 'diff') return new Synchronization(message, history.last, history.committed);
  const cut = truncationPoint(history, message.zxid);
  if (cut === null || cut < history.committed) return null;
  return new Synchronization(message, cut, cut);
}

/**
 * The last transaction to keep on a TRUNC to `zxid`, or null where that would be a guess. (e, 0) is
 * where epoch e begins: it stands between what that epoch began with and its first transaction.
 */
function truncationPoint(history: History, zxid: Zxid): Zxid | null {
  if (history.contains(zxid)) return zxid;
  if (counterOf(zxid) !== 0) return null;
  const floor = history.floor(zxid);
  const isStart = history.contains(zxid + 1) || history.baseOfEpoch(epochOf(zxid)) === floor;
  return isStart ? floor : null;
}

/**
 * Makes the received history this peer's own and joins `epoch`, in one append whose completion is
 * the ACK of NEWLEADER; returns its token. The pending entries are the caller's to log behind it.
 */
export function join(ctx: ZabContext, sync: Synchronization, epoch: number): number {
  const { history } = ctx;
  const records: JournalRecord[] = [];
  if (sync.mode === 'snap') {
    records.push({ type: 'snapshot', zxid: sync.committed, isReset: true });
  } else {
    if (sync.mode === 'trunc' && sync.base !== history.last) {
      history.truncateTo(sync.base);
      records.push({ type: 'truncate', zxid: sync.base });
    }
    for (const entry of sync.committedEntries()) {
      history.append(entry);
      records.push({ type: 'txn', ...entry });
    }
  }
  if (epoch > history.currentEpoch) {
    const base = history.last;
    history.joinEpoch(epoch, base);
    records.push({ type: 'epoch', epoch, base });
  } else {
    // The same leader again: nothing new to say, but what was appended must be durable.
    records.push({ type: 'promise', epoch });
  }
  return ctx.append(records);
}
