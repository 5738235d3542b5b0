/**
 * What goes into a Zab peer and comes out of it, one line each, with every field: tests compare
 * whole lists of outputs, and transcripts are read by people. A zxid is written `epoch.counter`.
 */
import { assertNever } from '../../node/core/invariant.ts';
import type { HistoryEntry } from '../../node/core/zab/history.ts';
import type { JournalRecord } from '../../node/core/zab/journal-record.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import type { Output } from '../../node/core/zab/outputs.ts';
import { NO_VOTE, type Notification, PeerState } from '../../node/core/zab/vote.ts';
import { counterOf, epochOf, makeZxid, type Zxid } from '../../node/core/zxid.ts';

export const STATES: Readonly<Record<PeerState, string>> = {
  [PeerState.looking]: 'LOOKING',
  [PeerState.following]: 'FOLLOWING',
  [PeerState.leading]: 'LEADING',
  [PeerState.observing]: 'OBSERVING',
};

export function zxidText(zxid: Zxid): string {
  return zxid < 0 ? 'none' : `${epochOf(zxid)}.${counterOf(zxid)}`;
}

/** `epoch.counter`, or `none` for -1. */
export function parseZxid(text: string): Zxid {
  if (text === 'none') return -1;
  const match = /^(\d+)\.(\d+)$/.exec(text);
  if (match === null) throw new Error(`"${text}" is not a zxid like 1.6`);
  return makeZxid(Number(match[1]), Number(match[2]));
}

/** A transaction that holds its own zxid as text, or `text`. */
export function entry(zxid: Zxid | string, text?: string): HistoryEntry {
  const number = typeof zxid === 'string' ? parseZxid(zxid) : zxid;
  return { zxid: number, txn: new TextEncoder().encode(text ?? zxidText(number)) };
}

/** `1.1-3 2.1` is 1.1, 1.2, 1.3, 2.1. */
export function entries(text: string): HistoryEntry[] {
  const words = text.split(/[ ,]+/).filter((word) => word !== '');
  return words.flatMap((word) => {
    const [from = '', to] = word.split('-');
    const first = parseZxid(from);
    const last = to === undefined ? first : makeZxid(epochOf(first), Number(to));
    return Array.from({ length: last - first + 1 }, (_, i) => entry(first + i));
  });
}

export function entryText({ zxid, txn }: HistoryEntry): string {
  const text = new TextDecoder().decode(txn);
  return text === zxidText(zxid) ? text : `${zxidText(zxid)}=${text}`;
}

/** Runs of transactions that hold their own zxid are written `1.1-3`. */
export function entriesText(list: readonly HistoryEntry[]): string {
  const words: string[] = [];
  for (let i = 0; i < list.length; ) {
    const first = list[i];
    if (first === undefined) break;
    let end = i + 1;
    while (isPlain(first) && isPlain(list[end]) && list[end]?.zxid === first.zxid + end - i) end++;
    const last = list[end - 1] ?? first;
    words.push(end - i > 1 ? `${entryText(first)}-${counterOf(last.zxid)}` : entryText(first));
    i = end;
  }
  return words.join(' ');
}

function isPlain(one: HistoryEntry | undefined): boolean {
  return one !== undefined && !entryText(one).includes('=');
}

export function recordText(record: JournalRecord): string {
  switch (record.type) {
    case 'txn':
      return entryText(record);
    case 'promise':
      return `promise ${record.epoch}`;
    case 'epoch':
      return `epoch ${record.epoch} from ${zxidText(record.base)}`;
    case 'truncate':
      return `truncate to ${zxidText(record.zxid)}`;
    case 'snapshot':
      return `${record.isReset ? 'reset to snapshot' : 'snapshot'} ${zxidText(record.zxid)}`;
    default:
      return assertNever(record, 'journal record');
  }
}

/** A journal, with runs of transactions written as such. */
export function journalText(records: readonly JournalRecord[]): string {
  const words: string[] = [];
  let run: HistoryEntry[] = [];
  for (const record of records) {
    if (record.type === 'txn') run.push(record);
    else {
      if (run.length > 0) words.push(entriesText(run));
      run = [];
      words.push(recordText(record));
    }
  }
  if (run.length > 0) words.push(entriesText(run));
  return words.join(', ');
}

export function notificationText(n: Notification): string {
  const round = `round ${n.electionEpoch}`;
  const extra = n.version === 2 && n.config === 'version=0' ? '' : ` v${n.version} ${n.config}`;
  if (n.leader === NO_VOTE.leader) return `${STATES[n.state]} votes for nobody, ${round}${extra}`;
  const vote = `${n.leader} at ${zxidText(n.zxid)} of epoch ${n.peerEpoch}`;
  return `${STATES[n.state]} votes for ${vote}, ${round}${extra}`;
}

export function messageText(message: ZabMessage): string {
  switch (message.type) {
    case 'learnerInfo': {
      const name = message.isObserver ? 'OBSERVERINFO' : 'FOLLOWERINFO';
      return `${name} sid ${message.sid}, accepted epoch ${message.acceptedEpoch}`;
    }
    case 'leaderInfo':
      return `LEADERINFO epoch ${message.epoch}`;
    case 'ackEpoch':
      return `ACKEPOCH current epoch ${message.currentEpoch}, last ${zxidText(message.lastZxid)}`;
    case 'diff':
    case 'trunc':
    case 'ack':
    case 'commit':
      return `${message.type.toUpperCase()} ${zxidText(message.zxid)}`;
    case 'snap':
      return `SNAP ${zxidText(message.zxid)} holding [${imageText(message.image)}]`;
    case 'proposal':
    case 'inform':
      return `${message.type.toUpperCase()} ${entryText(message)}`;
    case 'newLeader':
      return `NEWLEADER epoch ${message.epoch}`;
    case 'upToDate':
      return 'UPTODATE';
    case 'ping':
      return `PING ${zxidText(message.zxid)}`;
    case 'request':
      return `REQUEST cxid ${message.cxid}`;
    case 'revalidate':
    case 'revalidated':
    case 'sync':
      return message.type.toUpperCase();
    case 'activate':
      return `ACTIVATE ${zxidText(message.zxid)}`;
    default:
      return assertNever(message, 'message');
  }
}

function imageText(image: unknown): string {
  return Array.isArray(image) ? entriesText(image) : String(image);
}

export function outputText(output: Output): string {
  switch (output.type) {
    case 'notify':
      return `notify ${output.to}: ${notificationText(output.notification)}`;
    case 'dial':
      return `dial ${output.sid}, attempt ${output.attempt}`;
    case 'send':
      return `send ${output.link}: ${messageText(output.message)}`;
    case 'sendSnapshot':
      return `send ${output.link}: SNAP of the tree`;
    case 'close':
      return `close ${output.link}: ${output.reason}`;
    case 'append': {
      return (
        `append #${output.token}: ${journalText(output.records)} ` +
        `(known committed: ${zxidText(output.committed)})`
      );
    }
    case 'installSnapshot': {
      const image = `${zxidText(output.imageZxid)} [${imageText(output.image)}]`;
      const made = `${image} + [${entriesText(output.replay)}]`;
      return `install #${output.token}: ${made} as snapshot ${zxidText(output.zxid)}`;
    }
    case 'adoptSnapshot':
      return `adopt #${output.token}: snapshot ${zxidText(output.zxid)}`;
    case 'apply':
      return `apply ${entriesText(output.entries)}`;
    case 'role':
      if (output.role === 'looking') return 'role: looking';
      return `role: ${output.role}, leader ${output.leader}, epoch ${output.epoch}`;
    case 'fromLearner':
      return `from learner ${output.sid} on ${output.link}: ${messageText(output.message)}`;
    case 'fromLeader':
      return `from the leader: ${messageText(output.message)}`;
    case 'answerPing':
      return `answer on ${output.link}: PING ${zxidText(output.zxid)}`;
    case 'syncDone':
      return `sync ${output.token} is done`;
    case 'log':
      return `${output.level}: ${output.text}`;
    case 'halt':
      return `HALT ${output.cause}: ${output.text}`;
    default:
      return assertNever(output, 'output');
  }
}
