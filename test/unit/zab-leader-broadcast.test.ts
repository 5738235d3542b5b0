/** The leader in broadcast: what commits a proposal, who is counted, who is still in touch. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvariantError } from '../../node/core/invariant.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { COUNTER_MAX, makeZxid } from '../../node/core/zxid.ts';
import { type DriverOptions, PeerDriver } from '../helpers/zab-driver.ts';
import { parseZxid } from '../helpers/zab-text.ts';

/** Peer 1 leads epoch 2; peer 2 follows on link 20 and, if there are five, peer 3 on link 30. */
function serving(options: DriverOptions = {}): PeerDriver {
  const driver = new PeerDriver({ log: '1.1-2', ...options });
  if (options.participants !== 5) {
    driver.established();
    return driver;
  }
  driver.elect();
  for (const sid of [2, 3]) driver.learner(sid * 10, sid, 1);
  driver.durable();
  for (const sid of [2, 3]) driver.ackEpoch(sid * 10, 1, '1.2');
  driver.durable();
  for (const sid of [2, 3]) driver.ack(sid * 10, '2.0');
  assert.equal(driver.peer.isServing, true);
  return driver;
}

const committed = (zxid: string): string[] => [`send 20: COMMIT ${zxid}`, `apply ${zxid}`];

describe('a proposal', () => {
  it('goes to every follower and to the own journal', () => {
    assert.deepEqual(serving({ participants: 5 }).propose('2.1'), [
      'send 20: PROPOSAL 2.1',
      'send 30: PROPOSAL 2.1',
      'append #3: 2.1 (known committed: 1.2)',
    ]);
  });

  it('takes the zxids of the epoch in order', () => {
    const driver = serving();
    assert.equal(driver.peer.nextZxid(), parseZxid('2.1'));
    driver.propose('2.1');
    assert.equal(driver.peer.nextZxid(), parseZxid('2.2'));
    assert.throws(() => driver.propose('2.3'), InvariantError);
  });

  it('is not made after the last counter of the epoch (ZOOKEEPER-1277)', () => {
    const driver = serving();
    // 2^32 proposals are too many for a test: the leader is told that it has made them.
    const { leading } = driver.peer;
    assert.ok(leading);
    Object.assign(leading, { lastProposed: makeZxid(2, COUNTER_MAX - 1) });
    assert.equal(driver.peer.nextZxid(), makeZxid(2, COUNTER_MAX));
    Object.assign(leading, { lastProposed: makeZxid(2, COUNTER_MAX) });
    assert.equal(driver.peer.nextZxid(), null);
  });

  it('is not made before the history is established', () => {
    const driver = new PeerDriver({ log: '1.1-2' });
    driver.discovered();
    assert.throws(() => driver.peer.nextZxid(), InvariantError);
  });
});

describe('a proposal is committed', () => {
  it("by the leader's journal and one follower of two", () => {
    const driver = serving();
    driver.propose('2.1');
    assert.deepEqual(driver.durable(), []);
    assert.deepEqual(driver.ack(20, '2.1'), committed('2.1'));
  });

  it("not by followers alone where the leader's write is needed and not durable", () => {
    const driver = serving();
    driver.propose('2.1');
    assert.deepEqual(driver.ack(20, '2.1'), []);
    assert.deepEqual(driver.durable(), committed('2.1'));
  });

  it('by followers alone where they are a quorum', () => {
    const driver = serving({ participants: 5 });
    driver.joined(40, 4, parseZxid('1.2'));
    driver.propose('2.1');
    driver.ack(20, '2.1');
    driver.ack(30, '2.1');
    assert.deepEqual(driver.ack(40, '2.1'), [
      'send 20: COMMIT 2.1',
      'send 30: COMMIT 2.1',
      'send 40: COMMIT 2.1',
      'apply 2.1',
    ]);
  });

  it('by a majority and not by less', () => {
    const driver = serving({ participants: 5 });
    driver.propose('2.1');
    driver.durable();
    assert.deepEqual(driver.ack(20, '2.1'), []);
    assert.deepEqual(driver.ack(20, '2.1'), [], 'the same voter twice');
    assert.equal(driver.ack(30, '2.1').at(-1), 'apply 2.1');
  });

  it('together with all before it: acknowledgements are cumulative', () => {
    const driver = serving();
    for (const zxid of ['2.1', '2.2', '2.3']) driver.propose(zxid);
    const tokens = [driver.lastToken - 2, driver.lastToken - 1, driver.lastToken];
    assert.deepEqual(driver.ack(20, '2.3'), []);
    assert.deepEqual(driver.durable(tokens[0]), committed('2.1'));
    assert.deepEqual(driver.durable(tokens[1]), committed('2.2'));
    assert.deepEqual(driver.durable(tokens[2]), committed('2.3'));
  });

  it('never before the one before it', () => {
    const driver = serving();
    driver.propose('2.1');
    driver.propose('2.2');
    driver.durable(driver.lastToken - 1);
    driver.durable();
    assert.deepEqual(driver.ack(20, '2.2'), [
      'send 20: COMMIT 2.1',
      'send 20: COMMIT 2.2',
      'apply 2.1-2',
    ]);
  });

  it('not by an observer, which gets an INFORM', () => {
    const driver = serving({ observers: 1 });
    driver.joined(40, 4, parseZxid('1.2'), true);
    driver.propose('2.1');
    driver.durable();
    assert.deepEqual(driver.ack(40, '2.1'), []);
    assert.deepEqual(driver.ack(20, '2.1'), [
      'send 20: COMMIT 2.1',
      'send 40: INFORM 2.1',
      'apply 2.1',
    ]);
  });

  it('not by a participant that has said it is an observer', () => {
    const driver = serving({ participants: 5 });
    driver.joined(40, 4, parseZxid('1.2'), true);
    driver.propose('2.1');
    driver.ack(20, '2.1');
    driver.ack(30, '2.1');
    assert.deepEqual(driver.ack(40, '2.1'), []);
    assert.equal(driver.durable().at(-1), 'apply 2.1');
  });

  it('not by an acknowledgement on a link that has gone', () => {
    const driver = serving({ participants: 5 });
    driver.propose('2.1');
    driver.durable();
    driver.ack(20, '2.1');
    driver.step({ type: 'linkDown', link: 20, reason: 'reset' });
    assert.deepEqual(driver.ack(30, '2.1'), []);
    assert.deepEqual(driver.ack(20, '2.1'), [], 'nobody listens on that link');
  });

  it('not by a voter that has not joined the epoch on its present link', () => {
    const driver = serving({ participants: 5 });
    driver.propose('2.1');
    driver.durable();
    driver.ack(20, '2.1');
    driver.learner(21, 2, 2);
    driver.ackEpoch(21, -1, '2.1');
    assert.deepEqual(driver.ack(30, '2.1'), []);
    driver.ack(21, '2.0');
    assert.equal(driver.ack(21, '2.1').at(-1), 'apply 2.1');
  });
});

describe('an acknowledgement', () => {
  it('of what was never proposed costs the link', () => {
    const driver = serving();
    driver.propose('2.1');
    const reason = 'ACK of what was never proposed';
    assert.deepEqual(driver.ack(20, '2.2'), [`close 20: ${reason}`]);
  });

  it('of UPTODATE, or of what is committed, says nothing new', () => {
    const driver = serving();
    assert.deepEqual(driver.ack(20, '2.0'), []);
    assert.deepEqual(driver.ack(20, '1.2'), []);
  });
});

describe('sync', () => {
  it('is done at once when nothing is outstanding', () => {
    assert.deepEqual(serving().step({ type: 'sync', token: 7 }), ['sync 7 is done']);
  });

  it('waits for the last proposal of its moment, and no longer', () => {
    const driver = serving();
    driver.propose('2.1');
    assert.deepEqual(driver.step({ type: 'sync', token: 7 }), []);
    driver.propose('2.2');
    driver.durable(driver.lastToken - 1);
    assert.deepEqual(driver.ack(20, '2.1'), [...committed('2.1'), 'sync 7 is done']);
  });
});

describe('a follower', () => {
  const ping = { type: 'ping', zxid: 0, sessions: [] } as const;

  it('is pinged twice a tick', () => {
    const driver = serving();
    assert.deepEqual(driver.after(99), []);
    assert.deepEqual(driver.after(1), ['send 20: PING 2.0']);
    driver.propose('2.1');
    assert.deepEqual(driver.after(100), ['send 20: PING 2.1']);
  });

  it('hands up the sessions of its pings and its requests', () => {
    const driver = serving();
    assert.deepEqual(driver.message(20, ping), ['from learner 2 on 20: PING 0.0']);
    assert.deepEqual(driver.message(20, { type: 'sync' }), [
      'close 20: a learner does not send sync',
    ]);
  });

  it('may ask for nothing before UPTODATE', () => {
    const driver = serving();
    driver.learner(30, 3, 1);
    const session = new SessionId(0, 1);
    assert.deepEqual(driver.message(30, { type: 'revalidate', session, timeoutMs: 1 }), [
      'close 30: revalidate before UPTODATE',
    ]);
  });

  it('is closed when it acknowledges nothing for syncLimit, though it answers pings', () => {
    const driver = serving({ participants: 5 });
    driver.propose('2.1');
    driver.ack(30, '2.1');
    const closed: string[] = [];
    for (let ms = 0; ms < 1000; ms += 100) {
      closed.push(...driver.after(100).filter((line) => line.startsWith('close 20')));
      if (ms < 900) assert.deepEqual(closed, []);
      for (const link of [20, 30]) driver.message(link, ping);
    }
    assert.deepEqual(closed, ['close 20: it left a proposal without ACK for syncLimit']);
  });

  it('that lags but goes on acknowledging stays', () => {
    const driver = serving();
    for (let i = 1; i <= 30; i += 1) {
      driver.propose(`2.${i}`);
      assert.deepEqual(driver.after(100), [`send 20: PING 2.${i}`]);
      // Eight proposals behind: each waits 800 ms.
      if (i > 8) driver.ack(20, `2.${i - 8}`);
      else driver.message(20, ping);
    }
  });

  it('is closed when it is silent for syncLimit', () => {
    const driver = serving({ participants: 5 });
    driver.joined(40, 4, parseZxid('1.2'));
    for (let ms = 0; ms < 1000; ms += 100) {
      driver.after(100);
      for (const link of [30, 40]) driver.message(link, ping);
    }
    assert.deepEqual(driver.after(100), [
      'close 20: it was silent for 1100 ms',
      'send 30: PING 2.0',
      'send 40: PING 2.0',
    ]);
  });

  it('that receives a large packet is not silent', () => {
    const driver = serving();
    for (let ms = 0; ms < 3000; ms += 100) {
      assert.deepEqual(driver.after(100), ['send 20: PING 2.0']);
      driver.step({ type: 'linkActive', link: 20 });
    }
  });
});

describe('a leader without a quorum in touch', () => {
  it('gives up within a tick of the last one to go', () => {
    const driver = serving();
    driver.step({ type: 'linkDown', link: 20, reason: 'reset' });
    const text = 'LOOKING votes for 1 at 1.2 of epoch 2, round 2';
    assert.deepEqual(driver.after(100), [
      'role: looking',
      `notify 2: ${text}`,
      `notify 3: ${text}`,
    ]);
    assert.equal(driver.peer.isServing, false);
  });

  it('does not count an observer for it', () => {
    const driver = serving({ observers: 1 });
    driver.joined(40, 4, parseZxid('1.2'), true);
    driver.step({ type: 'linkDown', link: 20, reason: 'reset' });
    assert.equal(
      driver.after(100)[1],
      'close 40: no quorum of learners was heard within syncLimit',
    );
  });

  it('keeps its proposals and votes with them', () => {
    const driver = serving();
    driver.propose('2.1');
    driver.step({ type: 'linkDown', link: 20, reason: 'reset' });
    const text = 'LOOKING votes for 1 at 2.1 of epoch 2, round 2';
    assert.deepEqual(driver.after(100), [
      'role: looking',
      `notify 2: ${text}`,
      `notify 3: ${text}`,
    ]);
    assert.deepEqual(driver.durable(), [], 'its own write counts for nobody any more');
  });
});

describe('a peer that stops', () => {
  it('closes its links and answers nothing more', () => {
    const driver = serving();
    assert.deepEqual(driver.step({ type: 'stop' }), ['close 20: this peer stops']);
    assert.deepEqual(driver.start(), []);
    assert.deepEqual(driver.ack(20, '2.1'), []);
    assert.equal(driver.peer.deadlineMs, Number.POSITIVE_INFINITY);
  });
});
