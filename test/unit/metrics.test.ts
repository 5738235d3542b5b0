/** What a peer counts: from the inputs and outputs of its core, and from its tree and watches. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataTree } from '../../node/core/tree/data-tree.ts';
import type { Input } from '../../node/core/zab/inputs.ts';
import type { Output, Role } from '../../node/core/zab/outputs.ts';
import { PeerState } from '../../node/core/zab/vote.ts';
import { PortStats } from '../../node/net/connection-stats.ts';
import { MetricsRegistry } from '../../node/runtime/metrics.ts';
import { PeerMetrics } from '../../node/runtime/peer-metrics.ts';
import { Replica } from '../../node/runtime/replica.ts';
import { create, remove, setData, TreeDriver } from '../helpers/tree-driver.ts';

function setUp() {
  const metrics = new MetricsRegistry();
  return { metrics, observer: new PeerMetrics(metrics) };
}

function role(name: Role): Output {
  return { type: 'role', role: name, leader: 1, epoch: 1 };
}

function message(message: Extract<Input, { type: 'message' }>['message']): Input {
  return { type: 'message', link: 1, message };
}

/** Counters other than 0. */
function counted({ counters }: MetricsRegistry): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== 0));
}

describe('the counts of a peer', () => {
  it('time an election, what followed it, and how long nobody was served', () => {
    const { metrics, observer } = setUp();
    observer.output(role('looking'), 1000);
    observer.stepped(PeerState.looking, 1000);
    observer.stepped(PeerState.looking, 1100);
    observer.stepped(PeerState.following, 1200.7);
    observer.stepped(PeerState.following, 1300);
    observer.output(role('following'), 1350);
    const { election_time, unavailable_time, follower_sync_time } = metrics.summaries;
    assert.deepEqual([election_time.count, election_time.sum], [1, 200]);
    assert.deepEqual([unavailable_time.count, unavailable_time.sum], [1, 350]);
    assert.deepEqual([follower_sync_time.count, follower_sync_time.sum], [1, 149]);
    assert.equal(metrics.summaries.leader_unavailable_time.count, 0);
    assert.deepEqual(counted(metrics), { looking_count: 1 });
  });

  it('tell the roles apart', () => {
    const { metrics, observer } = setUp();
    for (const name of ['leading', 'observing'] as const) {
      observer.output(role('looking'), 0);
      observer.stepped(name === 'leading' ? PeerState.leading : PeerState.observing, 10);
      observer.output(role(name), 30);
    }
    assert.equal(metrics.summaries.leader_unavailable_time.sum, 30);
    assert.equal(metrics.summaries.observer_sync_time.sum, 20);
    assert.equal(metrics.summaries.follower_sync_time.count, 0);
    assert.equal(metrics.summaries.unavailable_time.count, 2);
    assert.equal(metrics.counters.looking_count, 2);
  });

  it('know how a leader synchronised, and what a learner received', () => {
    const { metrics, observer } = setUp();
    observer.output({ type: 'sendSnapshot', link: 1 }, 0);
    observer.output({ type: 'send', link: 1, message: { type: 'diff', zxid: 1 } }, 0);
    observer.output({ type: 'send', link: 1, message: { type: 'trunc', zxid: 1 } }, 0);
    observer.output({ type: 'send', link: 1, message: { type: 'upToDate' } }, 0);
    observer.input(message({ type: 'proposal', zxid: 1, txn: new Uint8Array(1) }));
    observer.input(message({ type: 'commit', zxid: 1 }));
    observer.input(message({ type: 'inform', zxid: 2, txn: new Uint8Array(1) }));
    observer.input({ type: 'tick' });
    assert.deepEqual(counted(metrics), {
      snap_count: 1,
      diff_count: 2,
      learner_proposal_received_count: 1,
      learner_commit_received_count: 2,
    });
  });

  it('take a clock that is ahead for no delay', () => {
    const { metrics, observer } = setUp();
    observer.applied(-50, false);
    observer.applied(30, true);
    const { propagation_latency, quorum_ack_latency } = metrics.detailed;
    assert.deepEqual([propagation_latency.count, propagation_latency.sum], [2, 30]);
    assert.deepEqual([quorum_ack_latency.count, quorum_ack_latency.sum], [1, 30]);
    assert.deepEqual(counted(metrics), { commit_count: 1 });
  });

  it('are set back all at once', () => {
    const { metrics, observer } = setUp();
    observer.output(role('looking'), 0);
    observer.applied(1, true);
    metrics.noteRead('/a', 1);
    metrics.reset();
    assert.deepEqual(metrics, new MetricsRegistry());
  });
});

describe('the counts of a port', () => {
  it('are set back all at once', () => {
    const stats = new PortStats();
    stats.received = 1;
    stats.sent = 2;
    stats.bytesReceived = 3;
    stats.refused = 4;
    for (const ending of Object.keys(stats.endings)) Object.assign(stats.endings, { [ending]: 5 });
    stats.reset();
    assert.deepEqual(stats, new PortStats());
  });
});

describe('the counts of a tree', () => {
  it("are ZooKeeper's bytes by namespace", () => {
    const metrics = new MetricsRegistry();
    metrics.noteRead('/app', 1);
    metrics.noteRead('/app/e1', 0);
    metrics.noteRead('/', 1000);
    const { read_per_namespace } = metrics.namespaces;
    assert.deepEqual([...read_per_namespace.byKey.keys()], ['app']);
    assert.equal(read_per_namespace.byKey.get('app')?.sum, 4 + 1 + 68 + 7 + 68);
  });

  it('follow its changes and the watches that fire', () => {
    const driver = new TreeDriver();
    const metrics = new MetricsRegistry();
    const replica = new Replica(driver.tree, null, metrics);
    const watcher = { deliver: () => undefined };
    replica.watches.addData('/a', watcher);
    driver.write(create('/a'));
    replica.watches.addData('/a', watcher);
    replica.watches.addData('/a', { deliver: () => undefined });
    driver.write(setData('/a', 'four'));
    replica.watches.addChild('/', watcher);
    driver.write(remove('/a'));
    const { summaries } = metrics;
    assert.equal(summaries.node_created_watch_count.sum, 1);
    assert.deepEqual(
      [summaries.node_changed_watch_count.count, summaries.node_changed_watch_count.sum],
      [1, 2],
    );
    assert.equal(summaries.node_children_watch_count.sum, 1);
    assert.equal(summaries.node_deleted_watch_count.count, 0);
    const written = metrics.namespaces.write_per_namespace.byKey.get('a');
    assert.deepEqual([written?.count, written?.min], [3, 2]);
  });

  it('go on when a snapshot takes the place of the tree', () => {
    const metrics = new MetricsRegistry();
    const replica = new Replica(new DataTree(), null, metrics);
    const driver = new TreeDriver();
    replica.replace(driver.tree);
    replica.watches.addData('/a', { deliver: () => undefined });
    driver.write(create('/a'));
    assert.equal(metrics.summaries.node_created_watch_count.sum, 1);
    assert.equal(metrics.namespaces.write_per_namespace.byKey.get('a')?.count, 1);
  });
});
