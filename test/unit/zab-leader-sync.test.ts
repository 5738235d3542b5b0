/** The leader in synchronisation: what learners get, and when its history is established. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DriverOptions, PeerDriver } from '../helpers/zab-driver.ts';
import { parseZxid } from '../helpers/zab-text.ts';

/** Peer 1 of three with 1.1-6, of which 1.4 is known to be committed; peer 2 has LEADERINFO. */
function discovered(options: DriverOptions = {}): PeerDriver {
  const driver = new PeerDriver({ log: '1.1-6', committed: '1.4', ...options });
  driver.discovered();
  return driver;
}

describe('the difference', () => {
  it('is everything the learner lacks, each with its COMMIT, then NEWLEADER', () => {
    assert.deepEqual(discovered().ackEpoch(20, 1, '1.4'), [
      'append #2: epoch 2 from 1.6 (known committed: 1.4)',
      'send 20: DIFF 1.6',
      'send 20: PROPOSAL 1.5',
      'send 20: COMMIT 1.5',
      'send 20: PROPOSAL 1.6',
      'send 20: COMMIT 1.6',
      'send 20: NEWLEADER epoch 2',
    ]);
  });

  it('is a SNAP of what is applied, and the rest behind it', () => {
    const driver = discovered({ base: '1.2', log: '1.3-6' });
    assert.deepEqual(driver.ackEpoch(20, 1, '1.1'), [
      'append #2: epoch 2 from 1.6 (known committed: 1.4)',
      'send 20: SNAP of the tree',
      'send 20: PROPOSAL 1.5',
      'send 20: COMMIT 1.5',
      'send 20: PROPOSAL 1.6',
      'send 20: COMMIT 1.6',
      'send 20: NEWLEADER epoch 2',
    ]);
  });

  it('is the same for an observer while the history is not established', () => {
    const driver = discovered({ observers: 1 });
    driver.ackEpoch(20, 1, '1.6');
    driver.learner(40, 4, 0, true);
    assert.deepEqual(driver.ackEpoch(40, 0, '1.5'), [
      'send 40: DIFF 1.6',
      'send 40: PROPOSAL 1.6',
      'send 40: COMMIT 1.6',
      'send 40: NEWLEADER epoch 2',
    ]);
  });
});

describe('the history is established', () => {
  const served = ['apply 1.5-6', 'role: leading, leader 1, epoch 2', 'send 20: UPTODATE'];

  it('by the ACK of NEWLEADER of a quorum, and only then is UPTODATE sent', () => {
    const driver = discovered();
    driver.ackEpoch(20, 1, '1.6');
    assert.deepEqual(driver.durable(), [], 'the leader alone is no quorum');
    assert.equal(driver.peer.isServing, false);
    assert.deepEqual(driver.ack(20, '2.0'), served);
    assert.equal(driver.peer.isServing, true);
    assert.equal(driver.peer.history.confirmed, parseZxid('1.6'));
  });

  it("not before the leader's own epoch is durable", () => {
    const driver = discovered();
    driver.ackEpoch(20, 1, '1.6');
    assert.deepEqual(driver.ack(20, '2.0'), []);
    assert.deepEqual(driver.durable(), served);
  });

  it('not by the ACK of an observer', () => {
    const driver = discovered({ observers: 1 });
    driver.ackEpoch(20, 1, '1.6');
    driver.durable();
    driver.learner(40, 4, 0, true);
    driver.ackEpoch(40, 0, '1.6');
    assert.deepEqual(driver.ack(40, '2.0'), []);
    assert.deepEqual(driver.ack(20, '2.0'), [
      ...served.slice(0, 2),
      ...['20', '40'].map((it) => `send ${it}: UPTODATE`),
    ]);
  });

  it('not by the ACK of a link that has gone', () => {
    const driver = discovered({ participants: 5 });
    driver.learner(30, 3, 1);
    driver.ackEpoch(20, 1, '1.6');
    driver.ackEpoch(30, 1, '1.6');
    driver.durable();
    driver.ack(20, '2.0');
    driver.step({ type: 'linkDown', link: 20, reason: 'reset' });
    assert.deepEqual(driver.ack(30, '2.0'), []);
  });

  it('not by the ACK of another epoch, nor by that of a proposal', () => {
    const driver = discovered();
    driver.ackEpoch(20, 1, '1.4');
    driver.durable();
    assert.deepEqual(driver.ack(20, '1.0'), []);
    assert.deepEqual(driver.ack(20, '1.6'), []);
    assert.deepEqual(driver.ack(20, '2.0'), served);
  });

  it('though nothing new is committed: a snapshot that was only taken over is confirmed', () => {
    const driver = new PeerDriver({ base: '1.6', confirmed: '1.2', currentEpoch: 1 });
    driver.established();
    assert.equal(driver.peer.history.confirmed, parseZxid('1.6'));
  });

  it('or given up after initLimit', () => {
    const driver = discovered();
    driver.ackEpoch(20, 1, '1.6');
    driver.durable();
    driver.wait(2000);
    const text = 'LOOKING votes for 1 at 1.6 of epoch 2, round 2';
    assert.deepEqual(driver.after(0), [
      'close 20: no quorum of learners within initLimit in synchronization',
      'role: looking',
      `notify 2: ${text}`,
      `notify 3: ${text}`,
    ]);
  });

  it('at once where the leader is the whole ensemble', () => {
    const driver = new PeerDriver({ participants: 1, log: '1.1-2' });
    driver.start();
    assert.deepEqual(driver.durable(), ['append #2: epoch 2 from 1.2 (known committed: 0.0)']);
    assert.deepEqual(driver.durable(), ['apply 1.1-2', 'role: leading, leader 1, epoch 2']);
  });
});

describe('a learner that comes late', () => {
  /** Established with peer 2; 2.1 is committed, 2.2 is not. */
  function serving(options: DriverOptions = {}): PeerDriver {
    const driver = new PeerDriver({ log: '1.1-2', ...options });
    driver.established();
    driver.propose('2.1');
    driver.durable();
    driver.ack(20, '2.1');
    driver.propose('2.2');
    return driver;
  }

  it('gets what is outstanding without COMMIT, and UPTODATE on its ACK', () => {
    const driver = serving();
    assert.deepEqual(driver.learner(30, 3, 1), ['send 30: LEADERINFO epoch 2']);
    assert.deepEqual(driver.ackEpoch(30, 1, '1.2'), [
      'send 30: DIFF 2.1',
      'send 30: PROPOSAL 2.1',
      'send 30: COMMIT 2.1',
      'send 30: PROPOSAL 2.2',
      'send 30: NEWLEADER epoch 2',
    ]);
    assert.deepEqual(driver.ack(30, '2.0'), ['send 30: UPTODATE']);
  });

  it('is an observer: gets no PROPOSAL of what is outstanding, but the INFORM', () => {
    const driver = serving({ observers: 1 });
    driver.learner(40, 4, 1, true);
    assert.deepEqual(driver.ackEpoch(40, 1, '2.1'), [
      'send 40: DIFF 2.1',
      'send 40: NEWLEADER epoch 2',
    ]);
    driver.durable();
    assert.deepEqual(driver.ack(20, '2.2'), [
      'send 20: COMMIT 2.2',
      'send 40: INFORM 2.2',
      'apply 2.2',
    ]);
  });

  it('is cut back to what is committed and gets the rest again', () => {
    const driver = serving();
    driver.learner(21, 2, 2);
    assert.deepEqual(driver.ackEpoch(21, -1, '2.2'), [
      'send 21: TRUNC 2.1',
      'send 21: PROPOSAL 2.2',
      'send 21: NEWLEADER epoch 2',
    ]);
  });

  it('gets proposals and commits behind NEWLEADER while it synchronises', () => {
    const driver = serving();
    driver.learner(30, 3, 1);
    driver.ackEpoch(30, 1, '2.1');
    assert.deepEqual(driver.propose('2.3'), [
      'send 20: PROPOSAL 2.3',
      'send 30: PROPOSAL 2.3',
      'append #5: 2.3 (known committed: 2.1)',
    ]);
    driver.durable(4);
    assert.deepEqual(driver.ack(20, '2.2'), [
      'send 20: COMMIT 2.2',
      'send 30: COMMIT 2.2',
      'apply 2.2',
    ]);
  });

  it('counts from its ACK of NEWLEADER on, for all it has acknowledged (ZOOKEEPER-4685)', () => {
    const driver = serving();
    driver.learner(30, 3, 1);
    driver.ackEpoch(30, 1, '2.1');
    driver.durable();
    assert.deepEqual(driver.ack(30, '2.2'), [], 'it has not joined the epoch yet');
    assert.deepEqual(driver.ack(30, '2.0'), [
      'send 30: UPTODATE',
      'send 20: COMMIT 2.2',
      'send 30: COMMIT 2.2',
      'apply 2.2',
    ]);
  });

  it('has syncLimit for proposals from its ACK of NEWLEADER on, and not before', () => {
    const driver = serving();
    driver.durable();
    driver.ack(20, '2.2');
    driver.learner(30, 3, 1);
    driver.ackEpoch(30, 1, '2.1');
    driver.propose('2.3');
    driver.ack(20, '2.3');
    // Writing a large snapshot takes 1500 ms: more than syncLimit (1000), less than initLimit.
    for (let ms = 0; ms < 1500; ms += 100) {
      driver.after(100);
      driver.message(20, { type: 'ping', zxid: 0, sessions: [] });
    }
    driver.ack(30, '2.0');
    assert.deepEqual(driver.after(100), ['send 20: PING 2.3', 'send 30: PING 2.3']);
  });
});
