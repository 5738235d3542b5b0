/**
 * The commands of a transcript, each carried out on a lab. They are made to be read: see
 * test/scenario/README.md for the list.
 */
import assert from 'node:assert/strict';
import type { JournalRecord } from '../../node/core/zab/journal-record.ts';
import type { ZabMessage } from '../../node/core/zab/messages.ts';
import { newLeader, say } from './zab-driver.ts';
import { ZabLab } from './zab-lab.ts';
import { expectThat, sidsOf } from './zab-lab-expectations.ts';
import { entries, entriesText, journalText, parseZxid } from './zab-text.ts';

type Command = (lab: ZabLab, rest: string) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  journal,
  start: (lab, rest) => {
    for (const sid of sidsOf(rest)) lab.start(sid);
  },
  crash,
  cut: (lab, rest) => lab.cut(rest.split('|').map(sidsOf)),
  heal: (lab) => lab.heal(),
  reset: (lab, rest) => {
    const [a = 0, b = 0] = sidsOf(rest);
    lab.reset(a, b);
  },
  hold: (lab, rest) => {
    for (const channel of rest.split(', ')) lab.hold(channel);
  },
  release: (lab, rest) => {
    for (const channel of rest.split(', ')) lab.release(channel);
  },
  drop: (lab, rest) => {
    for (const channel of rest.split(', ')) lab.drop(channel);
  },
  run: (lab) => lab.run(),
  next: (lab, rest) => {
    for (let i = Number(rest || 1); i > 0; i -= 1) lab.next();
  },
  wait: (lab, rest) => lab.wait(Number(rest.replace(/ ms$/, ''))),
  write: (lab, rest) => {
    const [sid = '', text = ''] = rest.split(' ');
    lab.write(Number(sid), text);
  },
  resign: (lab, rest) => lab.resign(Number(rest)),
  forge,
  show,
  expect: expectThat,
};

export class LabCommands {
  private made: ZabLab | null = null;

  get lab(): ZabLab {
    assert.ok(this.made, 'the first command is "ensemble"');
    return this.made;
  }

  /** Carries out one command; returns its trace. */
  run(line: string): string[] {
    const [verb = '', ...words] = line.split(' ');
    const rest = words.join(' ');
    if (verb === 'ensemble') {
      this.made = ensemble(rest);
      return [];
    }
    const command = COMMANDS[verb];
    assert.ok(command, `there is no command "${verb}"`);
    this.lab.trace = [];
    command(this.lab, rest);
    return this.lab.trace;
  }
}

/** `3 participants`, `3 participants, 1 observer`, `5 participants, quorum of any 2`. */
function ensemble(rest: string): ZabLab {
  const match = /^(\d+) participants(?:, (\d+) observers?)?(?:, quorum of any (\d+))?$/.exec(rest);
  assert.ok(match, `"${rest}" is not like "5 participants, 1 observer, quorum of any 2"`);
  const [, participants, observers = '0', any] = match;
  const options = { participants: Number(participants), observers: Number(observers) };
  if (any === undefined) return new ZabLab(options);
  const voters = (sids: ReadonlySet<number>): number =>
    [...sids].filter((sid) => sid <= options.participants).length;
  return new ZabLab({ ...options, containsQuorum: (sids) => voters(sids) >= Number(any) });
}

/** `1: promise 1, epoch 1 from 0.0, 1.1-6, snapshot 1.8 of 1.1-8, known 1.4` */
function journal(lab: ZabLab, rest: string): void {
  const [sids = '', list = ''] = rest.split(': ');
  for (const sid of sidsOf(sids)) {
    const node = lab.node(sid);
    for (const item of list.split(', ')) {
      const snapshot = /^snapshot (\S+) of (.*)$/.exec(item);
      if (snapshot !== null) {
        const zxid = parseZxid(snapshot[1] ?? '');
        node.snapshots.set(zxid, entries(snapshot[2] ?? ''));
        node.durable.push({ type: 'snapshot', zxid, isReset: true });
        continue;
      }
      const known = /^known (\S+)$/.exec(item);
      if (known === null) node.durable.push(...recordsOf(item));
      else node.confirmedOnDisk = parseZxid(known[1] ?? '');
    }
  }
}

function recordsOf(item: string): JournalRecord[] {
  const [word = '', number = '', , base = ''] = item.split(' ');
  if (word === 'promise') return [{ type: 'promise', epoch: Number(number) }];
  if (word === 'epoch') return [{ type: 'epoch', epoch: Number(number), base: parseZxid(base) }];
  return entries(item).map(({ zxid, txn }) => ({ type: 'txn', zxid, txn }));
}

/** `2`, or `2 keeping 1` of the records that are in flight to its disk. */
function crash(lab: ZabLab, rest: string): void {
  const [sids = '', kept = '0'] = rest.split(' keeping ');
  for (const sid of sidsOf(sids)) lab.crash(sid, Number(kept));
}

/** `1->2 COMMIT 1.7` */
function forge(lab: ZabLab, rest: string): void {
  const match = /^(\d+)->(\d+) (.*)$/.exec(rest);
  assert.ok(match, 'forge 1->2 COMMIT 1.7');
  lab.forge(Number(match[1]), Number(match[2]), messageOf(match[3] ?? ''));
}

function messageOf(text: string): ZabMessage {
  const [word = '', rest = ''] = text.split(' ');
  if (word === 'UPTODATE') return { type: 'upToDate' };
  if (word === 'NEWLEADER') return newLeader(Number(rest));
  if (word === 'ACK') return { type: 'ack', zxid: parseZxid(rest) };
  return say(text);
}

function show(lab: ZabLab): void {
  for (const { sid, peer, role, leader, halted, durable, tree } of lab.nodes.values()) {
    let state = role === 'following' || role === 'observing' ? `${role} ${leader}` : role;
    if (halted !== null) state = `halted: ${halted}`;
    if (peer === null) state = 'down';
    lab.trace.push(`${sid} ${state}, tree [${entriesText(tree)}]`);
    lab.trace.push(`  journal [${journalText(durable)}]`);
  }
}
