/** The learner between ACKEPOCH and UPTODATE: nothing acknowledged early, nothing applied early. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type DriverOptions,
  LearnerDriver,
  leaderInfo,
  newLeader,
  say,
} from '../helpers/zab-driver.ts';
import { parseZxid, zxidText } from '../helpers/zab-text.ts';

/** Peer 1 with 1.1-6, of which 1.4 is committed; it has promised epoch 2. */
function promised(options: DriverOptions = {}): LearnerDriver {
  const driver = new LearnerDriver({ log: '1.1-6', committed: '1.4', ...options });
  driver.promised(2);
  return driver;
}

const upToDate = { type: 'upToDate' } as const;
const acked = ['send 5: ACK 2.0'];
const following = 'role: following, leader 2, epoch 2';

describe('DIFF', () => {
  it('that is empty: the epoch is logged, then NEWLEADER acknowledged, then all is applied', () => {
    const driver = promised();
    assert.deepEqual(driver.said(say('DIFF 1.6')), []);
    assert.deepEqual(driver.said(newLeader(2)), [
      'append #2: epoch 2 from 1.6 (known committed: 1.4)',
    ]);
    assert.deepEqual(driver.durable(), acked);
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', 'apply 1.5-6', following]);
  });

  it('with entries: history and then epoch, in one append', () => {
    const driver = promised();
    for (const zxid of ['1.7', '1.8']) {
      if (zxid === '1.7') driver.said(say('DIFF 1.8'));
      assert.deepEqual(driver.said(say(`PROPOSAL ${zxid}`)), []);
      assert.deepEqual(driver.said(say(`COMMIT ${zxid}`)), []);
    }
    assert.deepEqual(driver.said(newLeader(2)), [
      'append #2: 1.7-8, epoch 2 from 1.8 (known committed: 1.4)',
    ]);
    assert.deepEqual(driver.durable(), acked);
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', 'apply 1.5-8', following]);
  });

  it('says what is committed: no more than that is applied', () => {
    const driver = promised();
    driver.said(say('DIFF 1.5'), newLeader(2));
    driver.durable();
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', 'apply 1.5', following]);
  });

  it('with proposals not committed: each is logged behind the epoch, with its own ACK', () => {
    const driver = promised();
    driver.said(say('DIFF 1.6'), say('PROPOSAL 1.7'), say('COMMIT 1.7'), say('PROPOSAL 1.8'));
    assert.deepEqual(driver.said(newLeader(2)), [
      'append #2: 1.7, epoch 2 from 1.7 (known committed: 1.4)',
      'append #3: 1.8 (known committed: 1.4)',
    ]);
    assert.deepEqual(driver.durable(2), acked);
    assert.deepEqual(driver.durable(3), ['send 5: ACK 1.8']);
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', 'apply 1.5-7', following]);
  });

  it('of the same leader again logs no second epoch, but its ACK waits for the disk', () => {
    const driver = new LearnerDriver({ log: '1.1-6', currentEpoch: 2 });
    driver.follow();
    driver.connect();
    driver.said(leaderInfo(2));
    assert.deepEqual(driver.said(say('DIFF 1.6'), newLeader(2)), [
      'append #1: promise 2 (known committed: 0.0)',
    ]);
    assert.deepEqual(driver.durable(), acked);
  });

  it('for an observer: no ACK but that of NEWLEADER', () => {
    const driver = promised({ sid: 4, observers: 1 });
    driver.said(say('DIFF 1.6'), say('PROPOSAL 1.7'), say('COMMIT 1.7'), say('PROPOSAL 1.8'));
    driver.said(newLeader(2));
    assert.deepEqual([...driver.durable(2), ...driver.durable(3)], acked);
    const role = 'role: observing, leader 2, epoch 2';
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', 'apply 1.5-7', role]);
  });
});

describe('TRUNC', () => {
  it('cuts and goes on from there: truncation, history and epoch in one append', () => {
    const driver = promised();
    driver.said(say('TRUNC 1.5'), say('PROPOSAL 2.1'), say('COMMIT 2.1'));
    assert.deepEqual(driver.said(newLeader(2)), [
      'append #2: truncate to 1.5, 2.1, epoch 2 from 2.1 (known committed: 1.4)',
    ]);
    assert.deepEqual(driver.durable(), acked);
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', 'apply 1.5 2.1', following]);
  });

  it('changes nothing before NEWLEADER', () => {
    const driver = promised();
    driver.said(say('TRUNC 1.5'), say('PROPOSAL 2.1'));
    const closed = driver.step({ type: 'linkDown', link: 5, reason: 'reset' });
    assert.equal(closed[1], 'notify 2: LOOKING votes for 1 at 1.6 of epoch 1, round 2');
  });

  it('to the end cuts nothing', () => {
    const driver = promised();
    driver.said(say('TRUNC 1.6'));
    assert.deepEqual(driver.said(newLeader(2)), [
      'append #2: epoch 2 from 1.6 (known committed: 1.4)',
    ]);
  });

  it('below what is known to be committed stops the peer', () => {
    assert.deepEqual(promised().said(say('TRUNC 1.3')), [
      'HALT truncateCommitted: the leader asks to truncate what was committed here',
    ]);
  });

  it('to (epoch, 0) means behind what that epoch began with', () => {
    const driver = promised({ log: '1.1-6 2.1-2', acceptedEpoch: 1, currentEpoch: 1 });
    driver.said(say('TRUNC 2.0'));
    assert.deepEqual(driver.said(newLeader(2)), [
      'append #2: truncate to 1.6, epoch 2 from 1.6 (known committed: 1.4)',
    ]);
  });

  it('to a transaction that is not here is not rounded down: there may be a hole below it', () => {
    for (const zxid of ['1.9', '3.0', '4.5']) {
      const driver = new LearnerDriver({
        log: '1.1-6',
        committed: '1.4',
        currentEpoch: 4,
        ancestry: [{ epoch: 4, base: parseZxid('1.6') }],
      });
      driver.promised(5);
      const [closed = '', ...rest] = driver.said(say(`TRUNC ${zxid}`));
      assert.match(closed, /^close 5: TRUNC to 0x[0-9a-f]+, a point that is not in this log$/);
      assert.deepEqual(rest, []);
    }
  });
});

describe('a difference that does not fit', () => {
  /** The snapshot 1.6 came from a leader that failed before UPTODATE; 1.2 was committed. */
  const unconfirmed: DriverOptions = {
    log: '',
    base: '1.6',
    committed: '1.6',
    confirmed: '1.2',
    currentEpoch: 1,
  };

  it('makes the learner ask the same leader for a snapshot on a new link, with no promise', () => {
    const driver = promised(unconfirmed);
    assert.deepEqual(driver.said(say('TRUNC 1.4')), [
      'close 5: TRUNC to 0x100000004, a point that is not in this log',
    ]);
    assert.deepEqual(driver.after(100), ['dial 2, attempt 2']);
    assert.deepEqual(driver.connect(2), ['send 5: FOLLOWERINFO sid 1, accepted epoch 2']);
    assert.deepEqual(driver.said(leaderInfo(2)), ['send 5: ACKEPOCH current epoch -1, last none']);
    assert.deepEqual(driver.said(say('SNAP 1.4'), newLeader(2)), [
      'install #2: 1.4 [tree 1.4] + [] as snapshot 1.4',
    ]);
  });

  it('is no reason to be vague about a new promise: it goes with the true history', () => {
    const driver = promised(unconfirmed);
    driver.said(say('TRUNC 1.4'));
    driver.step({ type: 'resign', reason: 'test' });
    driver.follow();
    driver.after(100);
    driver.connect(2);
    driver.said(leaderInfo(3));
    assert.deepEqual(driver.durable(), ['send 5: ACKEPOCH current epoch 1, last 1.6']);
  });

  it('is a hole: PROPOSAL does not follow', () => {
    const driver = promised();
    driver.said(say('DIFF 1.9'));
    assert.deepEqual(driver.said(say('PROPOSAL 1.8')), [
      'close 5: PROPOSAL 0x100000008 does not follow 0x100000006',
    ]);
    assert.deepEqual(driver.after(100), ['dial 2, attempt 2']);
  });

  it('is a DIFF where a snapshot was asked for', () => {
    const driver = promised(unconfirmed);
    driver.said(say('TRUNC 1.4'));
    driver.after(100);
    driver.connect(2);
    driver.said(leaderInfo(2));
    assert.equal(driver.said(say('DIFF 1.4'))[0], 'close 5: DIFF where a snapshot was asked for');
  });

  it('is asked about five times at most', () => {
    const driver = promised(unconfirmed);
    for (let attempt = 2; attempt <= 5; attempt += 1) {
      driver.said(say('TRUNC 1.4'));
      assert.deepEqual(driver.after(100), [`dial 2, attempt ${attempt}`]);
      driver.connect(attempt);
      driver.said(leaderInfo(2));
    }
    assert.equal(driver.said(say('TRUNC 1.4'))[1], 'role: looking');
  });
});

describe('SNAP', () => {
  /** SNAP 2.3, then 2.4 committed and 2.5 not. */
  function received(driver: LearnerDriver): string[] {
    driver.said(say('SNAP 2.3'), say('PROPOSAL 2.4'), say('COMMIT 2.4'), say('PROPOSAL 2.5'));
    return driver.said(newLeader(2));
  }

  it('is written with what was committed behind it, logged with the epoch, acknowledged', () => {
    const driver = promised();
    assert.deepEqual(received(driver), ['install #2: 2.3 [tree 2.3] + [2.4] as snapshot 2.4']);
    const logged = driver.step({ type: 'snapshotInstalled', token: 2 });
    assert.deepEqual(logged, [
      'adopt #2: snapshot 2.4',
      'append #3: reset to snapshot 2.4, epoch 2 from 2.4 (known committed: 1.4)',
      'append #4: 2.5 (known committed: 1.4)',
    ]);
    assert.deepEqual(driver.durable(3), acked);
    assert.deepEqual(driver.durable(4), ['send 5: ACK 2.5']);
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', following]);
    assert.equal(zxidText(driver.peer.history.confirmed), '2.4');
  });

  it('confirms nothing before UPTODATE: its leader may fail, and be wrong', () => {
    const driver = promised();
    received(driver);
    driver.step({ type: 'snapshotInstalled', token: 2 });
    driver.durable(3);
    const { committed, confirmed } = driver.peer.history;
    assert.deepEqual([committed, confirmed], [parseZxid('2.4'), parseZxid('1.4')]);
  });

  it('may be followed by transactions it holds already', () => {
    const driver = promised();
    driver.said(say('SNAP 2.3'), say('PROPOSAL 2.3'), say('COMMIT 2.3'), say('PROPOSAL 2.4'));
    assert.deepEqual(driver.said(newLeader(2)), [
      'install #2: 2.3 [tree 2.3] + [] as snapshot 2.3',
    ]);
  });

  it('lets proposals and commits come while it is written', () => {
    const driver = promised();
    received(driver);
    assert.deepEqual(driver.said(say('COMMIT 2.5')), [], 'what is written is settled');
    assert.deepEqual(driver.said(say('PROPOSAL 2.6')), []);
    assert.deepEqual(driver.step({ type: 'snapshotInstalled', token: 2 }), [
      'adopt #2: snapshot 2.4',
      'append #3: reset to snapshot 2.4, epoch 2 from 2.4 (known committed: 1.4)',
      'append #4: 2.5 (known committed: 1.4)',
      'append #5: 2.6 (known committed: 1.4)',
    ]);
    assert.deepEqual(
      [...driver.durable(3), ...driver.durable(4), ...driver.durable(5)],
      [...acked, 'send 5: ACK 2.5', 'send 5: ACK 2.6'],
    );
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', 'apply 2.5', following]);
  });

  it('that is complete after its leader has gone is forgotten', () => {
    const driver = promised();
    received(driver);
    driver.step({ type: 'linkDown', link: 5, reason: 'reset' });
    assert.deepEqual(driver.step({ type: 'snapshotInstalled', token: 2 }), []);
    assert.equal(zxidText(driver.peer.history.last), '1.6');
  });

  it('that lacks what was committed here stops the peer', () => {
    const driver = promised();
    driver.said(say('SNAP 1.2'), say('PROPOSAL 1.3'), say('COMMIT 1.3'));
    assert.deepEqual(driver.said(newLeader(2)), [
      "HALT truncateCommitted: the leader's snapshot lacks what was committed here",
    ]);
  });
});

describe('between NEWLEADER and UPTODATE', () => {
  /** NEWLEADER has come; nothing is durable. */
  function logging(): LearnerDriver {
    const driver = promised();
    driver.said(say('DIFF 1.6'), newLeader(2));
    return driver;
  }

  it('a proposal is logged, and acknowledged after NEWLEADER (ZOOKEEPER-4685)', () => {
    const driver = logging();
    assert.deepEqual(driver.said(say('PROPOSAL 2.1')), ['append #3: 2.1 (known committed: 1.4)']);
    assert.deepEqual(driver.durable(2), acked);
    assert.deepEqual(driver.durable(3), ['send 5: ACK 2.1']);
  });

  it('a COMMIT is kept until UPTODATE (ZOOKEEPER-4394)', () => {
    const driver = logging();
    driver.said(say('PROPOSAL 2.1'));
    assert.deepEqual(driver.said(say('COMMIT 2.1')), []);
    driver.durable(2);
    assert.deepEqual(driver.durable(3), ['send 5: ACK 2.1']);
    assert.deepEqual(driver.said(upToDate), ['send 5: ACK 2.0', 'apply 1.5-6 2.1', following]);
  });

  it('nobody is served', () => {
    const driver = logging();
    assert.equal(driver.peer.isServing, false);
    driver.durable();
    assert.equal(driver.peer.isServing, false);
    driver.said(upToDate);
    assert.equal(driver.peer.isServing, true);
  });

  it('a COMMIT of what was not proposed ends the link', () => {
    const driver = logging();
    const reason = 'COMMIT of 0x200000001, which was not proposed';
    assert.equal(driver.said(say('COMMIT 2.1'))[0], `close 5: ${reason}`);
  });

  it('UPTODATE does not come before the ACK of NEWLEADER', () => {
    const reason = 'UPTODATE before the ACK of NEWLEADER';
    assert.equal(logging().said(upToDate)[0], `close 5: ${reason}`);
  });

  it('a second NEWLEADER ends the link (ZOOKEEPER-1324)', () => {
    const driver = logging();
    const reason = 'NEWLEADER of epoch 2 out of turn';
    assert.equal(driver.said(newLeader(2))[0], `close 5: ${reason}`);
  });

  it('a ping is answered once NEWLEADER is acknowledged', () => {
    const driver = logging();
    const ping = { type: 'ping', zxid: parseZxid('1.6'), sessions: [] } as const;
    assert.deepEqual(driver.said(ping), []);
    driver.durable();
    assert.deepEqual(driver.said(ping), ['answer on 5: PING 1.6']);
  });

  it('requests are not forwarded', () => {
    const driver = logging();
    driver.durable();
    assert.deepEqual(driver.step({ type: 'toLeader', message: { type: 'sync' } }), []);
  });

  it('a write that completes after the leader has gone is acknowledged to nobody', () => {
    const driver = logging();
    driver.step({ type: 'linkDown', link: 5, reason: 'reset' });
    assert.deepEqual(driver.durable(2), []);
  });
});

describe('NEWLEADER', () => {
  it('of another epoch than LEADERINFO ends the link', () => {
    const driver = promised();
    driver.said(say('DIFF 1.6'));
    assert.equal(driver.said(newLeader(3))[0], 'close 5: NEWLEADER of epoch 3 out of turn');
  });

  it('without DIFF, TRUNC or SNAP ends the link', () => {
    const reason = 'NEWLEADER before DIFF, TRUNC or SNAP';
    assert.equal(promised().said(newLeader(2))[0], `close 5: ${reason}`);
  });

  it('and a second DIFF end the link', () => {
    const driver = promised();
    driver.said(say('DIFF 1.6'));
    assert.equal(driver.said(say('DIFF 1.6'))[0], 'close 5: DIFF out of turn');
  });
});
