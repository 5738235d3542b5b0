/**
 * The learner in broadcast: logs, acknowledges, commits in order, and stops when order is broken.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SessionId } from '../../node/core/session-id.ts';
import {
  type DriverOptions,
  LearnerDriver,
  leaderInfo,
  newLeader,
  say,
} from '../helpers/zab-driver.ts';

/** Peer 1 follows peer 2 in epoch 2 with 1.1-2 committed. */
function serving(options: DriverOptions = {}): LearnerDriver {
  const driver = new LearnerDriver({ log: '1.1-2', ...options });
  driver.serving(2);
  return driver;
}

describe('a follower', () => {
  it('acknowledges a proposal when it is durable', () => {
    const driver = serving();
    assert.deepEqual(driver.said(say('PROPOSAL 2.1')), ['append #3: 2.1 (known committed: 1.2)']);
    assert.deepEqual(driver.said(say('PROPOSAL 2.2')), ['append #4: 2.2 (known committed: 1.2)']);
    assert.deepEqual(driver.durable(3), ['send 5: ACK 2.1']);
    assert.deepEqual(driver.durable(4), ['send 5: ACK 2.2']);
  });

  it('applies on COMMIT, even before its own write is durable', () => {
    const driver = serving();
    driver.said(say('PROPOSAL 2.1'));
    assert.deepEqual(driver.said(say('COMMIT 2.1')), ['apply 2.1']);
    assert.deepEqual(driver.durable(), ['send 5: ACK 2.1']);
  });

  it('keeps what is known to be committed with what it logs', () => {
    const driver = serving();
    driver.said(say('PROPOSAL 2.1'), say('COMMIT 2.1'));
    assert.deepEqual(driver.said(say('PROPOSAL 2.2')), ['append #4: 2.2 (known committed: 2.1)']);
  });

  it('stops at a COMMIT that is not of its oldest pending transaction', () => {
    const halt = 'HALT unmatchedCommit: COMMIT does not match the oldest pending transaction';
    const early = serving();
    early.said(say('PROPOSAL 2.1'), say('PROPOSAL 2.2'));
    assert.deepEqual(early.said(say('COMMIT 2.2')), [halt]);
    assert.deepEqual(early.said(say('COMMIT 2.1')), [], 'a peer that has stopped says nothing');
    assert.deepEqual(early.durable(), [], 'not even that its write is durable');
    assert.deepEqual(serving().said(say('COMMIT 2.1')), [halt]);
    const twice = serving();
    twice.said(say('PROPOSAL 2.1'), say('COMMIT 2.1'));
    assert.deepEqual(twice.said(say('COMMIT 2.1')), [halt]);
  });

  it('leaves its leader at a hole, and asks it for a snapshot if it meets it again', () => {
    const driver = serving();
    const closed = driver.said(say('PROPOSAL 2.2'));
    assert.equal(closed[0], 'close 5: PROPOSAL 0x200000002 does not follow 0x100000002');
    assert.equal(closed[1], 'role: looking');
    driver.follow();
    driver.connect(2);
    assert.deepEqual(driver.said(leaderInfo(2)), ['send 5: ACKEPOCH current epoch -1, last none']);
  });

  it('asks for no snapshot after the next leader has brought it up to date', () => {
    const driver = serving();
    driver.said(say('PROPOSAL 2.2'));
    driver.follow();
    driver.connect(2);
    driver.said(leaderInfo(3));
    assert.deepEqual(driver.durable(), ['send 5: ACKEPOCH current epoch 2, last 1.2']);
    driver.said(say('DIFF 1.2'), newLeader(3));
    driver.durable();
    driver.said({ type: 'upToDate' });
    driver.step({ type: 'linkDown', link: 5, reason: 'reset' });
    driver.follow();
    driver.connect(3);
    assert.deepEqual(driver.said(leaderInfo(3)), ['send 5: ACKEPOCH current epoch -1, last 1.2']);
  });

  it('does not log a proposal twice', () => {
    const driver = serving();
    driver.said(say('PROPOSAL 2.1'));
    assert.equal(
      driver.said(say('PROPOSAL 2.1'))[0],
      'close 5: PROPOSAL 0x200000001 does not follow 0x200000001',
    );
  });

  it('passes requests up and answers down', () => {
    const driver = serving();
    const session = new SessionId(0, 1);
    const revalidate = { type: 'revalidate', session, timeoutMs: 5 } as const;
    const up = driver.step({ type: 'toLeader', message: revalidate });
    assert.deepEqual(up, ['send 5: REVALIDATE']);
    const down = { type: 'revalidated', session, isValid: true } as const;
    assert.deepEqual(driver.said(down), ['from the leader: REVALIDATED']);
    assert.deepEqual(driver.said({ type: 'sync' }), ['from the leader: SYNC']);
    assert.deepEqual(driver.said({ type: 'ping', zxid: 0, sessions: [] }), [
      'answer on 5: PING 0.0',
    ]);
  });

  it('listens to no link but that of its leader', () => {
    const driver = serving();
    assert.deepEqual(driver.message(6, say('PROPOSAL 2.1')), []);
    assert.deepEqual(driver.step({ type: 'linkDown', link: 6, reason: 'reset' }), []);
    assert.deepEqual(driver.step({ type: 'linkAccepted', link: 7 }), [
      'close 7: this peer does not lead',
    ]);
  });

  it('looks for a leader when the link is down, with all it has logged', () => {
    const driver = serving();
    driver.said(say('PROPOSAL 2.1'));
    const text = 'LOOKING votes for 1 at 2.1 of epoch 2, round 2';
    assert.deepEqual(driver.step({ type: 'linkDown', link: 5, reason: 'reset' }), [
      'role: looking',
      `notify 2: ${text}`,
      `notify 3: ${text}`,
    ]);
    assert.deepEqual(driver.durable(), [], 'the old leader hears of no write any more');
  });

  it('leaves a leader that reconfigures: that is beyond this version', () => {
    const message = { type: 'activate', zxid: 0, designatedLeader: 1, txn: null } as const;
    const [closed] = serving().said(message);
    assert.match(closed ?? '', /^close 5: the leader reconfigures the ensemble/);
  });
});

describe('an observer', () => {
  it('logs and applies an INFORM and acknowledges nothing', () => {
    const driver = serving({ sid: 4, observers: 1 });
    assert.deepEqual(driver.said(say('INFORM 2.1')), [
      'append #3: 2.1 (known committed: 1.2)',
      'apply 2.1',
    ]);
    assert.deepEqual(driver.durable(), []);
  });

  it('leaves its leader at a hole', () => {
    const driver = serving({ sid: 4, observers: 1 });
    const outputs = driver.said(say('INFORM 2.2'));
    assert.deepEqual(outputs.slice(0, 2), [
      'close 5: PROPOSAL 0x200000002 does not follow 0x100000002',
      'role: looking',
    ]);
  });
});
