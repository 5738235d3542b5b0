/** Fast leader election, one input at a time: what is voted, to whom, and when it is over. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isGreaterVote, isMoreRecent, NO_VOTE, PeerState } from '../../node/core/zab/vote.ts';
import { PeerDriver } from '../helpers/zab-driver.ts';
import { parseZxid } from '../helpers/zab-text.ts';

const MINE = 'LOOKING votes for 1 at 1.6 of epoch 1, round 1';

/** Peer 1 of three with zxid 1.6, looking in round 1. */
function looking(participants = 3): PeerDriver {
  const driver = new PeerDriver({ participants, log: '1.1-6' });
  driver.start();
  return driver;
}

const better = { leader: 3, zxid: parseZxid('1.7'), peerEpoch: 1 };
const worse = { leader: 2, zxid: parseZxid('1.5'), peerEpoch: 1 };
const same = { leader: 1, zxid: parseZxid('1.6'), peerEpoch: 1 };

describe('the order of votes', () => {
  it('goes by epoch, then zxid, then sid', () => {
    const votes = [
      { peerEpoch: 1, zxid: 5, leader: 1 },
      { peerEpoch: 1, zxid: 5, leader: 2 },
      { peerEpoch: 1, zxid: 6, leader: 1 },
      { peerEpoch: 2, zxid: 1, leader: 1 },
    ];
    for (const [i, a] of votes.entries()) {
      for (const [j, b] of votes.entries()) assert.equal(isGreaterVote(a, b), i > j, `${i} ${j}`);
    }
  });

  it('puts currentEpoch before the zxid when histories are compared', () => {
    const of = (currentEpoch: number, last: string) => ({
      currentEpoch,
      lastZxid: parseZxid(last),
    });
    assert.equal(isMoreRecent(of(6, '4.50'), of(5, '5.100')), true);
    assert.equal(isMoreRecent(of(5, '5.100'), of(6, '4.50')), false);
    assert.equal(isMoreRecent(of(5, '5.2'), of(5, '5.1')), true);
    assert.equal(isMoreRecent(of(5, '5.1'), of(5, '5.1')), false);
    // Where an epoch began that both have joined is nothing more than the leader has.
    assert.equal(isMoreRecent(of(5, '5.0'), of(5, '4.9')), false);
    assert.equal(isMoreRecent(of(6, '6.0'), of(5, '5.9')), true);
  });
});

describe('a peer that begins to look', () => {
  it('votes for itself and tells every other participant', () => {
    const driver = new PeerDriver({ log: '1.1-6' });
    assert.deepEqual(driver.start(), ['role: looking', `notify 2: ${MINE}`, `notify 3: ${MINE}`]);
  });

  it('votes with currentEpoch, whatever the epoch of its last transaction', () => {
    const driver = new PeerDriver({ log: '1.1-6', currentEpoch: 4 });
    const text = 'LOOKING votes for 1 at 1.6 of epoch 4, round 1';
    assert.deepEqual(driver.start(), ['role: looking', `notify 2: ${text}`, `notify 3: ${text}`]);
  });

  it('votes for nobody as an observer', () => {
    const driver = new PeerDriver({ sid: 4, observers: 1 });
    assert.deepEqual(driver.start(), [
      'role: looking',
      'notify 1: LOOKING votes for nobody, round 1',
      'notify 2: LOOKING votes for nobody, round 1',
      'notify 3: LOOKING votes for nobody, round 1',
    ]);
  });

  it('leads at once when it is a quorum by itself', () => {
    const driver = new PeerDriver({ participants: 1, log: '1.1-6' });
    assert.deepEqual(driver.start(), [
      'role: looking',
      'append #1: promise 2 (known committed: 0.0)',
    ]);
    assert.equal(driver.peer.state, PeerState.leading);
  });

  it('repeats its vote after 200 ms, then after twice as long each time, up to the limit', () => {
    const driver = looking();
    const repeats: number[] = [];
    while (driver.nowMs < 9000) {
      const outputs = driver.after(driver.peer.deadlineMs - driver.nowMs);
      assert.deepEqual(outputs, [`notify 2: ${MINE}`, `notify 3: ${MINE}`]);
      repeats.push(driver.nowMs);
    }
    assert.deepEqual(repeats, [1200, 1600, 2400, 4000, 6000, 8000, 10000]);
  });
});

describe('the vote of another looking peer', () => {
  it('that is better is adopted and passed on', () => {
    const driver = looking(5);
    const text = 'LOOKING votes for 3 at 1.7 of epoch 1, round 1';
    assert.deepEqual(
      driver.hear(3, better),
      [2, 3, 4, 5].map((to) => `notify ${to}: ${text}`),
    );
  });

  it('that is worse changes nothing, but its sender is told of the better one, once', () => {
    // It may have begun to look only now and may have missed the vote that was said before.
    const driver = looking();
    assert.deepEqual(driver.hear(2, worse), [`notify 2: ${MINE}`]);
    assert.deepEqual(driver.hear(2, worse), []);
  });

  it('for the same peer is not answered', () => {
    assert.deepEqual(looking().hear(2, same), []);
  });

  it('with zxid -1 is ignored: a peer without a history elects nobody', () => {
    assert.deepEqual(looking().hear(3, { ...better, zxid: -1, electionEpoch: 9 }), []);
  });

  it('of an earlier round is answered and not counted', () => {
    const driver = looking();
    driver.hear(2, { ...worse, electionEpoch: 5 });
    const answer = 'notify 3: LOOKING votes for 1 at 1.6 of epoch 1, round 5';
    assert.deepEqual(driver.hear(3, same), [answer]);
    assert.equal(driver.peer.deadlineMs, 1200, 'no quorum is held open');
  });

  it('of a later round clears what was heard and is compared with the own history', () => {
    const driver = looking();
    driver.hear(3, better);
    // The best of the old round is gone, so of 1.5 and the own 1.6 the own one wins.
    const mine = 'LOOKING votes for 1 at 1.6 of epoch 1, round 2';
    assert.deepEqual(driver.hear(2, { ...worse, electionEpoch: 2 }), [
      `notify 2: ${mine}`,
      `notify 3: ${mine}`,
    ]);
    assert.equal(driver.peer.state, PeerState.looking);
  });

  it('for a peer that is no participant is ignored', () => {
    const driver = new PeerDriver({ observers: 1, log: '1.1-6' });
    driver.start();
    assert.deepEqual(driver.hear(2, { ...better, leader: 4 }), []);
  });

  it('from an observer is answered and never counted', () => {
    const driver = new PeerDriver({ observers: 2, log: '1.1-6' });
    driver.start();
    assert.deepEqual(driver.hear(4, { ...NO_VOTE, electionEpoch: 9 }), [`notify 4: ${MINE}`]);
    assert.deepEqual(driver.hear(5, same), [`notify 5: ${MINE}`]);
    assert.equal(driver.peer.deadlineMs, 1200, 'two observers and itself are no quorum');
  });

  it('from a stranger is answered once for each time it may ask', () => {
    const driver = looking();
    assert.deepEqual(driver.hear(9, worse), [`notify 9: ${MINE}`]);
    // A stranger that takes this peer for a participant answers the answer.
    assert.deepEqual(driver.wait(5).hear(9, worse), []);
    assert.deepEqual(driver.wait(195).hear(9, worse), [`notify 9: ${MINE}`]);
  });
});

describe('a quorum of equal votes', () => {
  it('is held open for 200 ms and then final', () => {
    const driver = looking(5);
    assert.deepEqual(driver.hear(2, same), []);
    assert.deepEqual(driver.hear(3, same), []);
    assert.equal(driver.peer.deadlineMs, 1200);
    assert.deepEqual(driver.after(199), []);
    driver.after(1);
    assert.equal(driver.peer.state, PeerState.leading);
  });

  it('gives way to a better vote that comes in that time', () => {
    const driver = looking(5);
    driver.hear(2, same);
    driver.hear(3, same);
    driver.wait(100).hear(4, { ...better, leader: 4 });
    driver.after(100);
    assert.equal(driver.peer.state, PeerState.looking);
    assert.equal(driver.peer.deadlineMs, 1600, 'only the repetition is due');
  });

  it('is final at once when all participants agree', () => {
    const driver = looking();
    driver.hear(2, same);
    assert.deepEqual(driver.hear(3, same), []);
    assert.equal(driver.peer.state, PeerState.leading);
  });

  it('makes a follower dial the peer it has elected', () => {
    const driver = looking();
    driver.hear(3, better);
    assert.deepEqual(driver.hear(2, better), ['dial 3, attempt 1']);
    assert.equal(driver.peer.state, PeerState.following);
  });
});

describe('a participant whose connection is lost', () => {
  const lose = (driver: PeerDriver, sid: number): string[] =>
    driver.step({ type: 'electionLink', sid, isUp: false });

  it('is not waited for once all others have agreed', () => {
    const driver = looking();
    driver.hear(2, same);
    assert.equal(driver.peer.state, PeerState.looking);
    lose(driver, 3);
    assert.equal(driver.peer.state, PeerState.leading);
  });

  it('is not waited for when it was lost before the vote', () => {
    const driver = looking();
    lose(driver, 3);
    assert.equal(driver.peer.state, PeerState.looking);
    driver.hear(2, same);
    assert.equal(driver.peer.state, PeerState.leading);
  });

  it('is waited for again when it is back, or has been heard of', () => {
    const back = looking();
    lose(back, 3);
    back.step({ type: 'electionLink', sid: 3, isUp: true });
    back.hear(2, same);
    assert.equal(back.peer.state, PeerState.looking);
    const heard = looking();
    lose(heard, 3);
    heard.hear(3, worse);
    heard.hear(2, same);
    assert.equal(heard.peer.state, PeerState.looking);
  });

  it('makes no quorum by being away', () => {
    const driver = looking(5);
    for (const sid of [3, 4, 5]) lose(driver, sid);
    driver.hear(2, same);
    assert.equal(driver.peer.state, PeerState.looking);
  });
});

describe('votes of peers that have settled', () => {
  const formed = { leader: 3, zxid: parseZxid('1.2'), peerEpoch: 7, electionEpoch: 4 };
  const following = { ...formed, state: PeerState.following };
  const leading = { ...formed, state: PeerState.leading };

  it('are joined when a quorum and the leader itself say so', () => {
    const driver = looking();
    assert.deepEqual(driver.hear(2, following), []);
    assert.deepEqual(driver.hear(3, leading), ['dial 3, attempt 1']);
  });

  it('are not joined while the leader has not said that it leads', () => {
    const driver = looking(5);
    assert.deepEqual(driver.hear(2, following), []);
    assert.deepEqual(driver.hear(4, following), []);
    assert.deepEqual(driver.hear(5, following), []);
    assert.equal(driver.peer.state, PeerState.looking);
  });

  it('need not agree on zxid and round, which differ within one ensemble', () => {
    const driver = looking();
    driver.hear(2, { ...following, zxid: parseZxid('1.1'), electionEpoch: 2 });
    assert.deepEqual(driver.hear(3, leading), ['dial 3, attempt 1']);
  });

  it('need the same epoch', () => {
    const driver = looking();
    driver.hear(2, { ...following, peerEpoch: 6 });
    assert.deepEqual(driver.hear(3, leading), []);
    assert.equal(driver.peer.state, PeerState.looking);
  });

  it('need only the same leader when one comes from before version 1', () => {
    const driver = looking();
    driver.hear(2, { ...following, peerEpoch: 0, version: 0 });
    assert.deepEqual(driver.hear(3, leading), ['dial 3, attempt 1']);
  });

  it('of observers never make a quorum', () => {
    const driver = new PeerDriver({ observers: 2, log: '1.1-6' });
    driver.start();
    driver.hear(4, { ...following, state: PeerState.observing });
    driver.hear(5, following);
    assert.deepEqual(driver.hear(3, leading), []);
    assert.equal(driver.peer.state, PeerState.looking);
  });

  it('that name this peer as leader count in its own round only', () => {
    const stale = { ...same, state: PeerState.following, electionEpoch: 4 };
    const driver = looking();
    driver.hear(2, stale);
    driver.hear(3, stale);
    assert.equal(driver.peer.state, PeerState.looking);
  });

  it('and votes of looking peers do not mix (ZOOKEEPER-3537)', () => {
    const driver = looking(5);
    const early = { ...better, electionEpoch: 1 };
    driver.hear(4, early);
    // A later round: what was heard in the first counts no more.
    driver.hear(2, { ...worse, electionEpoch: 5 });
    driver.hear(5, { ...early, state: PeerState.following });
    driver.hear(3, { ...early, state: PeerState.leading });
    assert.equal(driver.peer.state, PeerState.looking, '4 has not said that it follows');
    driver.hear(4, { ...early, state: PeerState.following });
    assert.equal(driver.peer.state, PeerState.following);
  });
});

describe('a settled peer', () => {
  function follower(sid = 1, observers = 0): PeerDriver {
    const driver = new PeerDriver({ sid, observers, log: '1.1-6' });
    driver.start();
    for (const from of [2, 3]) {
      const state = from === 3 ? PeerState.leading : PeerState.following;
      driver.hear(from, { ...better, state });
    }
    assert.notEqual(driver.peer.state, PeerState.looking);
    return driver;
  }

  it('tells one that is looking where the ensemble is', () => {
    assert.deepEqual(follower().hear(2, { ...worse, electionEpoch: 9 }), [
      'notify 2: FOLLOWING votes for 3 at 1.7 of epoch 1, round 1',
    ]);
  });

  it('does not answer one that has settled', () => {
    assert.deepEqual(follower().hear(2, { ...better, state: PeerState.following }), []);
  });

  it('does not answer one that has settled outside the ensemble, either', () => {
    const driver = new PeerDriver({ observers: 1, log: '1.1-6' });
    driver.start();
    // An observer that has found the leader answers a peer that is still looking. An answer to
    // that answer would go on at the speed of the network until this peer finds the leader too.
    assert.deepEqual(driver.hear(4, { ...better, state: PeerState.observing }), []);
  });

  it('answers nobody when it is an observer: its vote is counted nowhere', () => {
    assert.deepEqual(follower(4, 1).hear(2, { ...worse, electionEpoch: 9 }), []);
  });
});

describe('an observer that is looking', () => {
  it('does not answer votes of earlier rounds: the answer would be answered, for ever', () => {
    const driver = new PeerDriver({ sid: 4, observers: 1 });
    driver.start();
    driver.hear(1, { ...same, electionEpoch: 9 });
    assert.deepEqual(driver.hear(2, worse), []);
  });

  it('follows the leader that a quorum of participants elects', () => {
    const driver = new PeerDriver({ sid: 4, observers: 1 });
    driver.start();
    const text = 'LOOKING votes for 3 at 1.7 of epoch 1, round 1';
    assert.deepEqual(
      driver.hear(2, better),
      [1, 2, 3].map((to) => `notify ${to}: ${text}`),
    );
    assert.deepEqual(driver.hear(3, better), []);
    assert.deepEqual(driver.after(200), ['dial 3, attempt 1']);
    assert.equal(driver.peer.state, PeerState.observing);
  });
});
