/** The leader in discovery: which epoch it founds, who has promised it, when it must give up. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EPOCH_MAX } from '../../node/core/zxid.ts';
import { learnerInfo, PeerDriver } from '../helpers/zab-driver.ts';

/** The outputs of going back to LOOKING, after the links are closed. */
const looks = (round: number, epoch = 1): string[] => [
  'role: looking',
  `notify 2: LOOKING votes for 1 at 1.6 of epoch ${epoch}, round ${round}`,
  `notify 3: LOOKING votes for 1 at 1.6 of epoch ${epoch}, round ${round}`,
];

function elected(options: ConstructorParameters<typeof PeerDriver>[0] = {}): PeerDriver {
  const driver = new PeerDriver({ log: '1.1-6', ...options });
  driver.elect();
  return driver;
}

describe('the epoch', () => {
  it('is chosen when a quorum, the leader included, has said what it has accepted', () => {
    const driver = elected({ participants: 5 });
    assert.deepEqual(driver.learner(20, 2, 1), []);
    assert.deepEqual(driver.learner(30, 3, 1), ['append #1: promise 2 (known committed: 0.0)']);
  });

  it('is above everything a voter has accepted', () => {
    assert.deepEqual(elected().learner(20, 2, 8), ['append #1: promise 9 (known committed: 0.0)']);
    const own = elected({ acceptedEpoch: 11 });
    assert.deepEqual(own.learner(20, 2, 8), ['append #1: promise 12 (known committed: 0.0)']);
  });

  it("is not raised by an observer's, whose word does not count either (ZOOKEEPER-2959)", () => {
    const driver = elected({ observers: 1 });
    assert.deepEqual(driver.learner(40, 4, 99, true), []);
    assert.deepEqual(driver.learner(20, 2, 1), ['append #1: promise 2 (known committed: 0.0)']);
  });

  it('is not raised by a sid that calls itself a follower but is configured as an observer', () => {
    const driver = elected({ observers: 1 });
    assert.deepEqual(driver.learner(40, 4, 99), []);
    assert.deepEqual(driver.learner(20, 2, 1), ['append #1: promise 2 (known committed: 0.0)']);
  });

  it('counts a voter once, however often it connects', () => {
    const driver = elected({ participants: 5 });
    driver.learner(20, 2, 1);
    assert.deepEqual(driver.learner(21, 2, 1), ['close 20: it has connected again']);
  });

  it('runs out below 2^21, and the peer stops', () => {
    assert.deepEqual(elected().learner(20, 2, EPOCH_MAX), [
      'HALT epochExhausted: no epoch is left below 2^21',
    ]);
  });
});

describe('a learner is refused', () => {
  const close = (link: number, reason: string): string[] => [`close ${link}: ${reason}`];

  it('whose sid stands in no server line', () => {
    const reason = 'sid 7 stands in no server line of this configuration';
    assert.deepEqual(elected().learner(70, 7, 1), close(70, reason));
  });

  it('that claims to be the leader', () => {
    const reason = 'it claims to be 1, which is this peer';
    assert.deepEqual(elected().learner(70, 1, 1), close(70, reason));
  });

  it('whose configuration is newer', () => {
    const driver = elected();
    driver.step({ type: 'linkAccepted', link: 20 });
    const message = { ...learnerInfo(2, 1), configVersion: 5 };
    const reason = 'its configuration is newer than the leader has';
    assert.deepEqual(driver.message(20, message), close(20, reason));
  });

  it('that says FOLLOWERINFO twice', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    assert.deepEqual(driver.message(20, learnerInfo(2, 1)), close(20, 'a second FOLLOWERINFO'));
  });

  it('that says ACKEPOCH or ACK before its time, or what only a leader says', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    assert.deepEqual(driver.ackEpoch(20, 1, '1.6'), close(20, 'ACKEPOCH out of turn'));
    driver.learner(21, 2, 1);
    assert.deepEqual(driver.ack(21, '2.0'), close(21, 'ACK out of turn'));
    driver.learner(22, 2, 1);
    const reason = 'a learner does not send upToDate';
    assert.deepEqual(driver.message(22, { type: 'upToDate' }), close(22, reason));
  });
});

describe('LEADERINFO', () => {
  it("leaves when the leader's own promise is durable, and not before", () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    assert.deepEqual(driver.learner(30, 3, 1), [], 'not even to a later one');
    assert.deepEqual(driver.durable(), [
      'send 20: LEADERINFO epoch 2',
      'send 30: LEADERINFO epoch 2',
    ]);
  });

  it('is sent at once to one that comes later', () => {
    const driver = elected({ observers: 1 });
    driver.learner(20, 2, 1);
    driver.durable();
    assert.deepEqual(driver.learner(40, 4, 99, true), ['send 40: LEADERINFO epoch 2']);
  });

  it('goes to a learner that dialled before this peer knew of its election', () => {
    const driver = new PeerDriver({ log: '1.1-6' });
    driver.start();
    driver.learner(20, 2, 4);
    const votes = { leader: 1, zxid: driver.peer.history.last, peerEpoch: 1 };
    driver.hear(2, votes);
    assert.deepEqual(driver.hear(3, votes), ['append #1: promise 5 (known committed: 0.0)']);
    assert.deepEqual(driver.durable(), ['send 20: LEADERINFO epoch 5']);
  });

  it('cannot be for a voter that has promised a later epoch: a new election is', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.durable();
    assert.deepEqual(driver.learner(30, 3, 7), [
      'close 20: peer 3 has promised epoch 7',
      'close 30: peer 3 has promised epoch 7',
      ...looks(2),
    ]);
  });
});

describe('ACKEPOCH', () => {
  it('of a quorum ends discovery: the epoch is logged and the learner synchronised', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.durable();
    assert.deepEqual(driver.ackEpoch(20, 1, '1.6'), [
      'append #2: epoch 2 from 1.6 (known committed: 0.0)',
      'send 20: DIFF 1.6',
      'send 20: NEWLEADER epoch 2',
    ]);
  });

  it('is awaited even where the leader alone has promised', () => {
    const driver = elected({ participants: 5 });
    driver.learner(20, 2, 1);
    driver.learner(30, 3, 1);
    driver.durable();
    assert.deepEqual(driver.ackEpoch(20, 1, '1.6'), []);
  });

  it('with epoch -1, a promise made before, is not counted', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.durable();
    assert.deepEqual(driver.ackEpoch(20, -1, '1.6'), []);
  });

  it('with zxid -1, no history, is not counted', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.durable();
    assert.deepEqual(driver.ackEpoch(20, 1, 'none'), []);
  });

  it('of an observer is not counted', () => {
    const driver = elected({ observers: 1 });
    driver.learner(40, 4, 1, true);
    driver.learner(20, 2, 1);
    driver.durable();
    assert.deepEqual(driver.ackEpoch(40, 1, '1.6'), []);
  });

  it('of a follower with a later epoch makes the leader give up', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.durable();
    const reason = 'peer 2 has a more recent history';
    assert.deepEqual(driver.ackEpoch(20, 2, '1.1'), [`close 20: ${reason}`, ...looks(2)]);
  });

  it('of a follower with a later transaction makes the leader give up', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.durable();
    const reason = 'peer 2 has a more recent history';
    assert.deepEqual(driver.ackEpoch(20, 1, '1.7'), [`close 20: ${reason}`, ...looks(2)]);
  });

  it('of an observer with a more recent history does not: nothing rests on what it has', () => {
    // It may have joined an epoch that no quorum joined. Quorums that include the leader decide
    // what is committed, so an observer could keep the ensemble from electing anybody, for nothing.
    const driver = elected({ observers: 1 });
    driver.learner(40, 4, 1, true);
    driver.learner(20, 2, 1);
    driver.durable();
    assert.deepEqual(driver.ackEpoch(40, 9, '1.9'), []);
    assert.deepEqual(driver.ackEpoch(20, 1, '1.6'), [
      'append #2: epoch 2 from 1.6 (known committed: 0.0)',
      'send 40: TRUNC 1.6',
      'send 40: NEWLEADER epoch 2',
      'send 20: DIFF 1.6',
      'send 20: NEWLEADER epoch 2',
    ]);
  });

  it('after the quorum is not compared: the learner is brought to the history there is', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.learner(30, 3, 1);
    driver.durable();
    driver.ackEpoch(20, 1, '1.6');
    assert.deepEqual(driver.ackEpoch(30, 1, '1.9'), [
      'send 30: TRUNC 1.6',
      'send 30: NEWLEADER epoch 2',
    ]);
  });
});

describe('discovery is given up', () => {
  it('after initLimit without FOLLOWERINFO of a quorum', () => {
    const driver = elected();
    for (let ms = 100; ms < 2000; ms += 100) assert.deepEqual(driver.after(100), []);
    assert.deepEqual(driver.after(100), looks(2));
  });

  it('after initLimit without ACKEPOCH of a quorum', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.durable();
    driver.wait(2000);
    const reason = 'no quorum of learners within initLimit in discovery';
    assert.deepEqual(driver.after(0), [`close 20: ${reason}`, ...looks(2)]);
  });

  it('and the epoch that failed is never founded again', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    driver.durable();
    driver.wait(2000).after(0);
    const votes = { leader: 1, zxid: driver.peer.history.last, peerEpoch: 1, electionEpoch: 2 };
    driver.hear(2, votes);
    driver.hear(3, votes);
    assert.deepEqual(driver.learner(21, 2, 1), ['append #2: promise 3 (known committed: 0.0)']);
  });

  it('on request', () => {
    const driver = elected();
    driver.learner(20, 2, 1);
    const resigned = driver.step({ type: 'resign', reason: 'the disk is slow' });
    assert.deepEqual(resigned, ['close 20: the disk is slow', ...looks(2)]);
  });
});
