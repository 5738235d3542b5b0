/**
 * Four-letter words and metrics of real peers: what a client did is found again in dump, in the
 * watches, in mntr and at the port for Prometheus, and peers with one tree have one hash.
 */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { CreateMode } from '../../node/core/request/requests.ts';
import { znodeDigest } from '../../node/core/tree/digest.ts';
import { ExitCode } from '../../node/runtime/exit-codes.ts';
import { clientOf, readTree } from '../helpers/client-tree.ts';
import { awaitEqualZxids, awaitLeader } from '../helpers/ensemble.ts';
import { fourLetter, parseMntr, serverReport } from '../helpers/four-letter.ts';
import { PicketEnsemble } from '../helpers/picket.ts';
import { claimPorts, until } from '../helpers/processes.ts';
import { ServerHome } from '../helpers/server-home.ts';

const WAIT_MS = 20_000;
const SIDS = [1, 2, 3];
const PROMETHEUS = 'org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider';

function hexOf(client: ZooKeeperClient): string {
  return `0x${client.sessionId.toString(16)}`;
}

/** A path of its own watched and owned by the client. */
async function settle(client: ZooKeeperClient, name: string): Promise<void> {
  await client.create(`/${name}`, 'data');
  await client.create(`/${name}/own`, '', { flags: CreateMode.ephemeral });
  await client.getData(`/${name}`, () => undefined);
  await client.exists(`/${name}/none`, () => undefined);
  await client.getChildren(`/${name}`, () => undefined);
}

describe('the words of three peers', () => {
  let ensemble: PicketEnsemble;
  let leader: number;
  let follower: number;
  let client: ZooKeeperClient;
  let other: ZooKeeperClient;

  const ask = (sid: number, word: string): Promise<string> =>
    fourLetter(ensemble.server(sid).clientPort, word);
  const mntr = async (sid: number): Promise<Map<string, string>> =>
    parseMntr(await ask(sid, 'mntr'));

  before(async () => {
    ensemble = await PicketEnsemble.start(3);
    leader = await awaitLeader(ensemble);
    follower = SIDS.find((sid) => sid !== leader) ?? 0;
    client = await clientOf(ensemble, [follower]);
    other = await clientOf(ensemble, [leader]);
    await settle(client, 'app');
    await settle(other, 'lib');
    await awaitEqualZxids(ensemble);
  });

  after(async () => {
    await client.close();
    await other.close();
    await ensemble.stop();
  });

  it('dump sessions: the leader when they expire, a follower which there are', async () => {
    const tracked = await ask(leader, 'dump');
    assert.match(tracked, /^Session Sets \(\d\)\/\(2\):\n\d expire at \w{3} \w{3} \d\d \d\d:/m);
    const known = await ask(follower, 'dump');
    assert.match(known, /^Global Sessions\(2\):$/m);
    for (const text of [tracked, known]) {
      assert.match(text, /^Sessions with Ephemerals \(2\):$/m);
      assert.match(text, new RegExp(`^${hexOf(client)}:\n\t/app/own$`, 'm'));
      assert.match(text, new RegExp(`^${hexOf(other)}:\n\t/lib/own$`, 'm'));
    }
    const connection = new RegExp(`^\tip: /127\\.0\\.0\\.1:\\d+ sessionId: ${hexOf(client)}$`, 'm');
    assert.match(known, connection);
    assert.doesNotMatch(tracked, connection);
  });

  it('show the watches of their own clients', async () => {
    const id = hexOf(client);
    assert.equal(await ask(follower, 'wchs'), '1 connections watching 2 paths\nTotal watches:2\n');
    assert.equal(await ask(follower, 'wchc'), `${id}\n\t/app\n\t/app/none\n\n`);
    assert.equal(await ask(follower, 'wchp'), `/app\n\t${id}\n/app/none\n\t${id}\n\n`);
  });

  it('have one hash for one tree', async () => {
    const hashes = await Promise.all(SIDS.map((sid) => ask(sid, 'hash')));
    const { zxid } = (await serverReport(ensemble.server(leader).clientPort)) ?? { zxid: 0 };
    const tree = await readTree(other);
    let digest = 0n;
    for (const node of tree.values()) digest += BigInt(znodeDigest(node));
    assert.equal(hashes[0], `${zxid.toString(16)}: ${BigInt.asIntN(64, digest)}\n`);
    assert.deepEqual(hashes, [hashes[0], hashes[0], hashes[0]]);
  });

  it('count what the ensemble did', async () => {
    const [led, followed] = [await mntr(leader), await mntr(follower)];
    const number = (from: Map<string, string>, name: string) => Number(from.get(`zk_${name}`));
    const txns = number(led, 'proposal_count');
    // Two sessions, four znodes.
    assert.ok(txns >= 6);
    assert.equal(number(led, 'commit_count'), txns);
    assert.equal(number(led, 'cnt_quorum_ack_latency'), txns);
    assert.ok(number(followed, 'learner_proposal_received_count') >= txns);
    assert.ok(number(followed, 'learner_commit_received_count') >= txns);
    assert.ok(number(followed, 'cnt_propagation_latency') >= 6);
    assert.equal(number(followed, 'proposal_count'), 0);
    assert.ok(number(led, 'diff_count') + number(led, 'snap_count') >= 2);
    assert.ok(number(led, 'cnt_leader_unavailable_time') >= 1);
    assert.ok(number(followed, 'cnt_follower_sync_time') >= 1);
    assert.equal(number(followed, 'cnt_election_time'), number(followed, 'looking_count'));
    assert.equal(number(followed, 'connection_request_count'), 1);
    assert.equal(number(followed, 'cnt_updatelatency'), 2);
    assert.equal(number(followed, 'cnt_app_read_per_namespace'), 2);
    assert.equal(number(followed, 'cnt_app_write_per_namespace'), 2);
    assert.ok(number(followed, 'cnt_fsynctime') > 0);
    assert.ok(number(followed, 'bytes_received_count') > 0);
    assert.ok(number(followed, 'response_bytes') > 0);
    assert.ok(number(followed, 'max_client_response_size') > 0);
  });

  it('count watches that fire, and clients that come and go', async () => {
    const before = await mntr(follower);
    await client.setData('/app', 'new');
    const guest = await clientOf(ensemble, [follower]);
    await guest.close();
    await new Promise<void>((resolve) => {
      const socket = net.connect(ensemble.server(follower).clientPort, '127.0.0.1', () => {
        socket.destroy();
        resolve();
      });
    });
    const grown = (after: Map<string, string>, name: string) =>
      Number(after.get(`zk_${name}`)) - Number(before.get(`zk_${name}`));
    const later = await until('the connection to be gone', WAIT_MS, async () => {
      const values = await mntr(follower);
      return grown(values, 'connection_drop_count') === 1 && values;
    });
    assert.equal(grown(later, 'sum_node_changed_watch_count'), 1);
    assert.ok(grown(later, 'watch_bytes') > 0);
    assert.equal(grown(later, 'connection_request_count'), 1);
  });

  it('set statistics back', async () => {
    assert.equal(await ask(follower, 'crst'), 'Connection stats reset.\n');
    assert.match(await ask(follower, 'cons'), new RegExp(`recved=0,sent=0,sid=${hexOf(client)},`));
    assert.notEqual((await mntr(follower)).get('zk_learner_commit_received_count'), '0');
    assert.equal(await ask(follower, 'srst'), 'Server stats reset.\n');
    const srvr = await ask(follower, 'srvr');
    assert.match(srvr, /^Latency min\/avg\/max: \d+\/\d+\.\d+\/\d+\nReceived: [12]\nSent: [12]$/m);
    assert.equal((await mntr(follower)).get('zk_learner_commit_received_count'), '0');
    await ask(leader, 'srst');
    assert.match(await ask(leader, 'srvr'), /^Proposal sizes last\/min\/max: -1\/-1\/-1$/m);
  });

  it('keep a trace mask', async () => {
    assert.equal(await ask(leader, 'gtmk'), '306');
    assert.equal(await ask(leader, 'stmk\0\0\0\0\0\0\x01\x03'), '259');
    assert.equal(await ask(leader, 'gtmk'), '259');
    assert.equal(await ask(leader, 'stmk'), '');
  });
});

describe('the metrics port of a peer', () => {
  let metricsPort: number;

  before(async () => {
    [metricsPort = 0] = await claimPorts(1);
  });

  function config(): string[] {
    return [
      `metricsProvider.className=${PROMETHEUS}`,
      'metricsProvider.httpHost=127.0.0.1',
      `metricsProvider.httpPort=${metricsPort}`,
    ];
  }

  it('shows at each scrape what mntr shows', async () => {
    const ensemble = await PicketEnsemble.start(1, { config: config() });
    const client = await clientOf(ensemble, [1]);
    try {
      await settle(client, 'app');
      const mntr = parseMntr(await fourLetter(ensemble.server(1).clientPort, 'mntr'));
      const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
      const text = await response.text();
      for (const name of ['znode_count', 'watch_count', 'ephemerals_count', 'proposal_count']) {
        assert.match(text, new RegExp(`^${name} ${mntr.get(`zk_${name}`)}$`, 'm'));
      }
      assert.match(text, /^updatelatency_count 2$/m);
      assert.match(text, /^write_per_namespace_count\{key="app"\} 2$/m);
      assert.match(text, /^process_resident_memory_bytes \d+$/m);
    } finally {
      await client.close();
      await ensemble.stop();
    }
  });

  it('that is taken ends the peer with the exit code of admin ports', async () => {
    const [clientPort = 0] = await claimPorts(1);
    const holder = net.createServer().listen(metricsPort, '127.0.0.1');
    const home = new ServerHome();
    try {
      home.configure(clientPort, config());
      const { code, output } = await home.end();
      assert.equal(code, ExitCode.adminPort);
      assert.match(output, /the metrics port \d+ on 127\.0\.0\.1 is taken/);
    } finally {
      home.remove();
      holder.close();
    }
  });
});
