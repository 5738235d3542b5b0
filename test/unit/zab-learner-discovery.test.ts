/** The learner from the dial to ACKEPOCH. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DriverOptions, LearnerDriver, leaderInfo, say } from '../helpers/zab-driver.ts';

const OPTIONS: DriverOptions = { log: '1.1-6', committed: '1.4' };

function learner(options: DriverOptions = {}): LearnerDriver {
  return new LearnerDriver({ ...OPTIONS, ...options });
}

/** Going back to LOOKING with its own vote. */
const looks = (round: number): string[] => [
  'role: looking',
  `notify 2: LOOKING votes for 1 at 1.6 of epoch 1, round ${round}`,
  `notify 3: LOOKING votes for 1 at 1.6 of epoch 1, round ${round}`,
];

describe('the dial', () => {
  it('is followed by FOLLOWERINFO with the accepted epoch', () => {
    const driver = learner({ acceptedEpoch: 3 });
    assert.deepEqual(driver.follow(), ['dial 2, attempt 1']);
    assert.deepEqual(driver.connect(), ['send 5: FOLLOWERINFO sid 1, accepted epoch 3']);
  });

  it('is followed by OBSERVERINFO from an observer', () => {
    const driver = learner({ sid: 4, observers: 1 });
    driver.follow();
    assert.deepEqual(driver.connect(), ['send 5: OBSERVERINFO sid 4, accepted epoch 1']);
  });

  it('is tried again 100 ms after a failure, five times in all', () => {
    const driver = learner();
    driver.follow();
    for (let attempt = 1; attempt < 5; attempt += 1) {
      assert.deepEqual(driver.step({ type: 'dialFailed', attempt, reason: 'refused' }), []);
      assert.deepEqual(driver.after(99), []);
      assert.deepEqual(driver.after(1), [`dial 2, attempt ${attempt + 1}`]);
    }
    assert.deepEqual(driver.step({ type: 'dialFailed', attempt: 5, reason: 'refused' }), looks(2));
  });

  it('that is closed before LEADERINFO has failed: the leader was not ready', () => {
    const driver = learner();
    driver.follow();
    driver.connect();
    assert.deepEqual(driver.step({ type: 'linkDown', link: 5, reason: 'does not lead' }), []);
    assert.deepEqual(driver.after(100), ['dial 2, attempt 2']);
    assert.deepEqual(driver.connect(2, 6), ['send 6: FOLLOWERINFO sid 1, accepted epoch 1']);
  });

  it('is given up after the connect limit', () => {
    const driver = learner();
    driver.follow();
    assert.deepEqual(driver.after(1999), []);
    assert.deepEqual(driver.after(1), looks(2));
  });

  it('of an earlier attempt or role counts for nothing', () => {
    const driver = learner();
    driver.follow();
    driver.step({ type: 'dialFailed', attempt: 1, reason: 'refused' });
    driver.after(100);
    assert.deepEqual(driver.step({ type: 'dialFailed', attempt: 1, reason: 'refused' }), []);
    assert.deepEqual(driver.connect(1, 9), ['close 9: the dial was given up']);
    assert.deepEqual(driver.connect(2, 10), ['send 10: FOLLOWERINFO sid 1, accepted epoch 1']);
    driver.step({ type: 'resign', reason: 'test' });
    assert.deepEqual(driver.connect(2, 11), ['close 11: the dial was given up']);
    driver.follow();
    assert.deepEqual(driver.connect(2, 12), ['close 12: the dial was given up']);
    driver.after(100);
    assert.deepEqual(driver.connect(3, 13), ['send 13: FOLLOWERINFO sid 1, accepted epoch 1']);
  });
});

describe('a leader that was followed in vain', () => {
  it('is dialled later each time, up to a tick: its votes are answered at once', () => {
    const driver = learner({ acceptedEpoch: 3 });
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      const before = driver.nowMs;
      let outputs = driver.follow();
      while (outputs.length === 0) outputs = driver.after(50);
      assert.deepEqual(outputs, [`dial 2, attempt ${attempt}`]);
      delays.push(driver.nowMs - before);
      driver.connect(attempt);
      driver.said(leaderInfo(2));
    }
    assert.deepEqual(delays, [0, 100, 200, 200]);
  });

  it('is dialled at once after it has been followed with success', () => {
    const driver = learner();
    driver.serving(2);
    driver.step({ type: 'linkDown', link: 5, reason: 'reset' });
    assert.deepEqual(driver.follow(), ['dial 2, attempt 2']);
  });
});

describe('LEADERINFO', () => {
  function connected(options: DriverOptions = {}): LearnerDriver {
    const driver = learner(options);
    driver.follow();
    driver.connect();
    return driver;
  }

  it('of a newer epoch is promised, and ACKEPOCH waits until the promise is durable', () => {
    const driver = connected();
    assert.deepEqual(driver.said(leaderInfo(2)), ['append #1: promise 2 (known committed: 1.4)']);
    assert.deepEqual(driver.durable(), ['send 5: ACKEPOCH current epoch 1, last 1.6']);
  });

  it('of the epoch that was promised before is no promise again: -1', () => {
    const driver = connected({ acceptedEpoch: 2 });
    assert.deepEqual(driver.said(leaderInfo(2)), ['send 5: ACKEPOCH current epoch -1, last 1.6']);
  });

  it('of an older epoch ends the link', () => {
    const driver = connected({ acceptedEpoch: 3 });
    assert.deepEqual(driver.said(leaderInfo(2)), [
      "close 5: the leader's epoch 2 is before 3, promised here",
      ...looks(2),
    ]);
  });

  it('comes once', () => {
    const driver = connected();
    driver.said(leaderInfo(2));
    assert.deepEqual(driver.said(leaderInfo(3)), ['close 5: LEADERINFO out of turn', ...looks(2)]);
  });

  it('is promised for good: the promise holds when this leader fails before it is durable', () => {
    const driver = connected();
    driver.said(leaderInfo(5));
    const token = driver.lastToken;
    driver.step({ type: 'linkDown', link: 5, reason: 'reset' });
    driver.follow();
    driver.after(100);
    assert.deepEqual(driver.connect(2), ['send 5: FOLLOWERINFO sid 1, accepted epoch 5']);
    assert.deepEqual(driver.durable(token), [], 'and acknowledged to nobody');
    assert.deepEqual(driver.said(leaderInfo(4))[0]?.slice(0, 7), 'close 5');
  });
});

describe('anything else before its time ends the link', () => {
  for (const text of ['DIFF 1.6', 'TRUNC 1.6', 'SNAP 1.6', 'PROPOSAL 1.7', 'COMMIT 1.6']) {
    it(`${text} before LEADERINFO`, () => {
      const driver = learner();
      driver.follow();
      driver.connect();
      const [type] = text.split(' ');
      assert.deepEqual(driver.said(say(text)), [`close 5: ${type} out of turn`, ...looks(2)]);
    });
  }

  it('COMMIT before DIFF: it would commit a tail that the leader may be about to cut', () => {
    const driver = learner();
    driver.promised(2);
    assert.equal(driver.said(say('COMMIT 1.6'))[0], 'close 5: COMMIT out of turn');
  });

  it('UPTODATE before NEWLEADER', () => {
    const driver = learner();
    driver.promised(2);
    const reason = 'UPTODATE before the ACK of NEWLEADER';
    assert.equal(driver.said({ type: 'upToDate' })[0], `close 5: ${reason}`);
  });

  it('what only a learner says', () => {
    const driver = learner();
    driver.promised(2);
    const message = { type: 'ack', zxid: 0 } as const;
    assert.equal(driver.said(message)[0], 'close 5: a leader does not send ack');
  });
});

describe('a silent leader', () => {
  it('is left after initLimit before UPTODATE', () => {
    const driver = learner();
    driver.promised(2);
    assert.deepEqual(driver.after(2000), []);
    assert.equal(driver.peer.deadlineMs, driver.nowMs + 1);
    assert.equal(driver.after(1)[0], 'close 5: leader 2 was silent for 2001 ms');
  });

  it('is left after syncLimit once this peer serves', () => {
    const driver = learner();
    driver.serving(2);
    assert.deepEqual(driver.after(1000), []);
    assert.equal(driver.after(1)[0], 'close 5: leader 2 was silent for 1001 ms');
  });

  it('is not silent while it sends pings, or the bytes of a snapshot', () => {
    const driver = learner();
    driver.serving(2);
    driver.wait(900).message(5, { type: 'ping', zxid: 0, sessions: [] });
    driver.wait(900).step({ type: 'linkActive', link: 5 });
    assert.deepEqual(driver.after(900), []);
  });
});
