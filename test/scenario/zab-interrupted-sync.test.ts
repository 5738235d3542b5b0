/**
 * ZOOKEEPER-2872, 3642 and 5094: a synchronisation is cut off at every single event, the learner
 * then synchronises with another leader, and power fails with every possible part of the last write
 * on the medium. Whatever was interrupted must leave neither a hole nor a transaction too many.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isNext } from '../../node/core/zab/history.ts';
import { LabCommands } from '../helpers/zab-lab-commands.ts';

interface Case {
  readonly name: string;
  /** The journals; 3 is ahead of 1 and 2, and 1 is the learner. */
  readonly journals: readonly string[];
  readonly tree: string;
}

const CASES: readonly Case[] = [
  {
    name: 'DIFF',
    journals: [
      'journal 1: promise 1, epoch 1 from 0.0, 1.1',
      'journal 2: promise 1, epoch 1 from 0.0, 1.1-3',
      'journal 3: promise 1, epoch 1 from 0.0, 1.1-3',
    ],
    tree: '1.1-3',
  },
  {
    name: 'TRUNC',
    journals: [
      'journal 1: promise 1, epoch 1 from 0.0, 1.1-9',
      'journal 2: promise 2, epoch 1 from 0.0, 1.1-3, epoch 2 from 1.3, 2.1',
      'journal 3: promise 2, epoch 1 from 0.0, 1.1-3, epoch 2 from 1.3, 2.1',
    ],
    tree: '1.1-3 2.1',
  },
  {
    name: 'SNAP',
    journals: [
      'journal 1: promise 1, epoch 1 from 0.0, 1.1-2',
      'journal 2: promise 1, snapshot 1.4 of 1.1-4, epoch 1 from 1.4, 1.5-6, known 1.5',
      'journal 3: promise 1, snapshot 1.4 of 1.1-4, epoch 1 from 1.4, 1.5-6, known 1.5',
    ],
    tree: '1.1-6',
  },
  {
    name: 'SNAP over a longer history',
    journals: [
      'journal 1: promise 2, epoch 1 from 0.0, 1.1-2, epoch 2 from 1.2, 2.1-3',
      'journal 2: promise 3, snapshot 1.4 of 1.1-4, epoch 3 from 1.4, 3.1, known 1.4',
      'journal 3: promise 3, snapshot 1.4 of 1.1-4, epoch 3 from 1.4, 3.1, known 1.4',
    ],
    tree: '1.1-4 3.1',
  },
];

/** How many events an undisturbed start of all three takes. */
function eventsOf({ journals }: Case): number {
  const commands = start(journals);
  let events = 0;
  while (commands.run('next').length > 0) events += 1;
  commands.run('expect leader 3');
  commands.run('expect followers 1, 2');
  return events;
}

function start(journals: readonly string[]): LabCommands {
  const commands = new LabCommands();
  for (const command of ['ensemble 3 participants', ...journals, 'start 1, 2, 3']) {
    commands.run(command);
  }
  return commands;
}

/** The transactions of a journal must have no hole, as the log's own recovery would see it. */
function checkJournal(commands: LabCommands, sid: number): void {
  let last = 0;
  for (const record of commands.lab.node(sid).durable) {
    if (record.type === 'truncate') last = Math.min(last, record.zxid);
    if (record.type === 'snapshot') last = record.zxid;
    if (record.type !== 'txn') continue;
    assert.ok(isNext(last, record.zxid), `hole between ${last} and ${record.zxid}`);
    last = record.zxid;
  }
}

describe('a synchronisation that is cut off after any event', () => {
  for (const one of CASES) {
    const events = eventsOf(one);

    it(`${one.name}: another leader brings the learner on, then power fails`, () => {
      assert.ok(events > 30, 'the schedule is long enough to be worth cutting');
      for (let cut = 1; cut < events; cut += 1) {
        for (const kept of [0, 1, 2, 9]) {
          const commands = start(one.journals);
          commands.run(`next ${cut}`);
          commands.run('crash 3');
          commands.run('wait 3000 ms');
          commands.run('expect one history');
          commands.run(`expect tree 1, 2 = ${one.tree}`);
          commands.run(`crash 1 keeping ${kept}`);
          commands.run('crash 2');
          checkJournal(commands, 1);
          commands.run('start 1, 3');
          commands.run('wait 3000 ms');
          commands.run(`expect tree 1, 3 = ${one.tree}`);
          commands.run('expect one history');
        }
      }
    });

    it(`${one.name}: all lose power, the learner with any part of its last write`, () => {
      // With the epoch on the medium before the history, 1 would win over 2 with too little.
      for (let cut = 1; cut < events; cut += 1) {
        for (const kept of [0, 1, 2, 9]) {
          const commands = start(one.journals);
          commands.run(`next ${cut}`);
          commands.run('crash 2, 3');
          commands.run(`crash 1 keeping ${kept}`);
          checkJournal(commands, 1);
          commands.run('start 1, 2');
          commands.run('wait 3000 ms');
          commands.run(`expect tree 1, 2 = ${one.tree}`);
          commands.run('expect one history');
        }
      }
    });

    it(`${one.name}: the learner loses power with any part of its last write`, () => {
      for (let cut = 1; cut < events; cut += 1) {
        for (const kept of [0, 1, 2, 9]) {
          const commands = start(one.journals);
          commands.run(`next ${cut}`);
          commands.run(`crash 1 keeping ${kept}`);
          checkJournal(commands, 1);
          commands.run('start 1');
          commands.run('wait 3000 ms');
          commands.run(`expect tree 1, 2, 3 = ${one.tree}`);
          commands.run('expect one history');
        }
      }
    });

    it(`${one.name}: the link breaks`, () => {
      for (let cut = 1; cut < events; cut += 1) {
        const commands = start(one.journals);
        commands.run(`next ${cut}`);
        commands.run('reset 1, 3');
        commands.run('wait 3000 ms');
        commands.run('expect leader 3');
        commands.run(`expect tree 1, 2, 3 = ${one.tree}`);
        commands.run('expect one history');
      }
    });
  }
});
