/**
 * Four-letter words against what Apache ZooKeeper 3.8 answered in the same state (captured from a
 * standalone server, and from leader and follower of three, with one session each).
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import {
  answerFourLetterWord,
  FOUR_LETTER_WORDS,
  fourLetterWhitelist,
} from '../../node/admin/four-letter.ts';
import { processEnvironment } from '../../node/admin/four-letter-environment.ts';
import { formatDouble } from '../../node/admin/four-letter-mntr.ts';
import type {
  ConnectionSessionView,
  ConnectionView,
  ServerView,
} from '../../node/admin/four-letter-view.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { SessionId } from '../../node/core/session-id.ts';

type Answers = Readonly<Record<string, string>>;
const FIXTURES = new URL('../../../test/unit/fixtures/four-letter/', import.meta.url);
const apache: Readonly<Record<string, Answers>> = JSON.parse(
  fs.readFileSync(new URL('apache-3.8.json', FIXTURES), 'utf8'),
);

/** What Apache's server answered. */
function captured(server: string, word: string): string {
  const text = apache[server]?.[word];
  assert.ok(text !== undefined, `no capture of ${word} from ${server}`);
  return text;
}

const ALL = fourLetterWhitelist(['*']);
// biome-ignore lint/suspicious/noTemplateCurlyInString: Debian's build left the variable in
const APACHE_VERSION = '3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC';

const MEMBERSHIP = `server.1=127.0.0.1:23301:23401:participant
server.2=127.0.0.1:23302:23402:participant
server.3=127.0.0.1:23303:23403:participant
server.9=127.0.0.1:23309:23409:observer
version=0`;

/** A connection that has just asked a four-letter word: read from once, and no longer. */
function asker(remotePort: number): ConnectionView {
  const counts = { queued: 0, received: 1, sent: 0 };
  const remote = { remoteAddress: '127.0.0.1', remotePort };
  return { ...remote, ...counts, isReading: false, establishedMs: 0, session: undefined };
}

function client(
  remotePort: number,
  requests: number,
  more: Partial<ConnectionView>,
): ConnectionView {
  const counts = { queued: 0, received: requests, sent: requests };
  return { ...asker(remotePort), ...counts, isReading: true, ...more };
}

const LEADER_SESSION: ConnectionSessionView = {
  id: SessionId.fromBigInt(0x2000012afd20000n),
  timeoutMs: 10_000,
  lastOp: OpCode.getData,
  lastCxid: 5,
  lastZxid: 0x20000000a,
  lastResponseMs: 1_247_125.4,
  lastLatencyMs: 1,
  latencyMs: { min: 0, avg: 2.6, max: 4 },
};

const LEADER: ServerView = {
  version: APACHE_VERSION,
  isServing: true,
  mode: 'leader',
  latencyMs: { min: 1, avg: 2.5, max: 4 },
  packetsReceived: 10,
  packetsSent: 9,
  connections: [asker(50094), client(50066, 6, {})],
  outstandingRequests: 0,
  zxid: 0x20000000a,
  nodeCount: 8,
  ephemeralCount: 1,
  watchCount: 1,
  approximateDataBytes: 248,
  globalSessions: 2,
  localSessions: 0,
  authFailedCount: 0,
  clientResponseBytes: { last: 266, min: 26, max: 266 },
  uptimeMs: 22_576.9,
  openFileDescriptors: 52,
  maxFileDescriptors: 20_000,
  leader: {
    learners: 2,
    syncedFollowers: 2,
    syncedNonVotingFollowers: 0,
    syncedObservers: 0,
    pendingSyncs: 0,
    uptimeMs: 22_506,
    proposalBytes: { last: 100, min: 48, max: 100 },
  },
  conf: {
    clientPort: 23202,
    dataDir: '/var/lib/zookeeper/data/version-2',
    dataDirBytes: 67_109_517,
    dataLogDir: '/var/lib/zookeeper/data/version-2',
    dataLogBytes: 67_109_517,
    tickTimeMs: 2000,
    maxClientCnxns: 0,
    minSessionTimeoutMs: 4000,
    maxSessionTimeoutMs: 40_000,
    clientPortListenBacklog: -1,
    serverId: 2,
    quorum: {
      initLimitTicks: 10,
      syncLimitTicks: 5,
      electionPort: 23402,
      quorumPort: 23302,
      isObserver: false,
      membership: MEMBERSHIP,
      size: 3,
      peerState: 'leading - broadcast',
    },
  },
  environment: [
    ['host.name', 'pi2'],
    ['os.name', 'Linux'],
  ],
  metrics: [],
};

const FOLLOWER: ServerView = {
  ...LEADER,
  mode: 'follower',
  latencyMs: { min: 4, avg: 4, max: 4 },
  packetsReceived: 7,
  packetsSent: 6,
  leader: undefined,
};

const STANDALONE: ServerView = {
  ...LEADER,
  mode: 'standalone',
  leader: undefined,
  conf: {
    ...LEADER.conf,
    clientPort: 23101,
    serverId: 0,
    dataDirBytes: 67_109_337,
    dataLogBytes: 67_109_337,
    quorum: undefined,
  },
};

function answer(word: string, view: ServerView): string {
  return answerFourLetterWord(word, view, ALL);
}

describe('srvr and stat', () => {
  it("are Apache's to the byte, on a leader", () => {
    assert.equal(answer('srvr', LEADER), captured('leader', 'srvr'));
    const connections = [client(50066, 6, {}), asker(50094)];
    const later = { ...LEADER, connections, packetsReceived: 11, packetsSent: 10 };
    assert.equal(answer('stat', later), captured('leader', 'stat'));
  });

  it("are Apache's to the byte, on a follower", () => {
    assert.equal(answer('srvr', FOLLOWER), captured('follower', 'srvr'));
  });

  it('give zktop what it looks for, with our version', () => {
    const version = '3.9.5-picket-0.1.0, built on 2026-11-24 12:00 UTC';
    const lines = answer('stat', { ...LEADER, version }).split('\n');
    assert.match(lines[0] ?? '', /.*: (\d+\.\d+\.\d+)-.*/);
    assert.equal(lines[lines.indexOf('Clients:') + LEADER.connections.length + 1], '');
  });

  it('say when only read-only clients are served', () => {
    const lines = answer('srvr', { ...FOLLOWER, mode: 'read-only' }).split('\n');
    assert.equal(lines[1], 'READ-ONLY mode; serving only read-only clients');
    assert.ok(lines.includes('Mode: read-only'));
  });
});

describe('cons', () => {
  it("is Apache's to the byte", () => {
    const session = LEADER_SESSION;
    const established = { session, establishedMs: 1_795_522_666_817 };
    const connections = [client(50066, 6, established), asker(50120)];
    assert.equal(answer('cons', { ...LEADER, connections }), captured('leader', 'cons'));
  });

  it('leaves out lcxid before the first request', () => {
    const session = { ...LEADER_SESSION, lastOp: undefined, lastCxid: -1, lastZxid: -1 };
    const line = answer('cons', { ...LEADER, connections: [client(1, 0, { session })] });
    assert.match(line, /,lop=NA,est=0,to=10000,lzxid=0xffffffffffffffff,lresp=/);
  });

  it('shows IPv4 as IPv4 and IPv6 in brackets', () => {
    const connections = [
      { ...asker(1), remoteAddress: '::ffff:10.0.0.7' },
      { ...asker(2), remoteAddress: 'fe80::1' },
    ];
    const text = answer('cons', { ...LEADER, connections });
    assert.match(text, /^ \/10\.0\.0\.7:1\[0\].*\n \/\[fe80::1\]:2\[0\]/);
  });
});

describe('conf', () => {
  it("is Apache's to the byte, in an ensemble and standalone", () => {
    assert.equal(answer('conf', LEADER), captured('leader', 'conf'));
    assert.equal(answer('conf', STANDALONE), captured('standalone', 'conf'));
  });
});

describe('mntr', () => {
  /**
   * What ZooKeeper counts inside its Java pipeline comes after the gauges and is left to metrics.
   */
  function gaugesOf(text: string): Map<string, string> {
    const lines = text.trimEnd().split('\n');
    const end = lines.findIndex((line) => line.startsWith('zk_proposal_count'));
    const pairs = lines.slice(0, end === -1 ? undefined : end).map((line) => line.split('\t'));
    return new Map(pairs.map(([key = '', value = '']) => [key, value]));
  }

  it("has Apache's gauges with its values and formats, on a leader", () => {
    const expected = gaugesOf(captured('leader', 'mntr'));
    const view = { ...LEADER, packetsReceived: 12, packetsSent: 11 };
    const ours = gaugesOf(answer('mntr', view));
    assert.deepEqual([...ours].sort(), [...expected].sort());
    assert.ok(expected.size > 30);
  });

  it("has exactly Apache's keys on a follower and a standalone server", () => {
    const keys = (text: string): string[] => [...gaugesOf(text).keys()].sort();
    assert.deepEqual(keys(answer('mntr', FOLLOWER)), keys(captured('follower', 'mntr')));
    const standalone = keys(captured('standalone', 'mntr'));
    assert.deepEqual(keys(answer('mntr', STANDALONE)), standalone);
  });

  it('begins with version and state, and ends with the further metrics', () => {
    const metrics: Array<[string, number]> = [
      ['commit_count', 7],
      ['avg_fsynctime', 3],
      ['max_fsynctime', 9.7],
    ];
    const lines = answer('mntr', { ...LEADER, metrics }).split('\n');
    assert.deepEqual(lines.slice(0, 2), [
      `zk_version\t${APACHE_VERSION}`,
      'zk_server_state\tleader',
    ]);
    assert.deepEqual(lines.slice(-4), [
      'zk_commit_count\t7',
      'zk_avg_fsynctime\t3.0',
      'zk_max_fsynctime\t9',
      '',
    ]);
  });

  it('prints doubles as Java does, to four places', () => {
    const cases = [0, 1.66666, 2.5, 4, 0.00001];
    assert.deepEqual(cases.map(formatDouble), ['0.0', '1.6667', '2.5', '4.0', '0.0']);
  });
});

describe('envi', () => {
  it('is answered in the layout kazoo parses, serving or not', () => {
    const version = '3.9.5-picket-0.1.0, built on 2026-11-24';
    const view = { ...LEADER, version, isServing: false };
    const expected = `Environment:\nzookeeper.version=${version}\nhost.name=pi2\nos.name=Linux\n`;
    assert.equal(answer('envi', view), expected);
    const [title, first] = captured('leader', 'envi').split('\n');
    assert.equal(title, 'Environment:');
    assert.equal(first, `zookeeper.version=${APACHE_VERSION}`);
  });

  it('can be filled from the process', () => {
    const names = processEnvironment().map(([name, value]) => {
      assert.doesNotMatch(value, /\n/);
      return name;
    });
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes('host.name') && names.includes('user.dir'));
  });
});

describe('a server that does not serve', () => {
  it('answers as Apache does', () => {
    const view = { ...LEADER, isServing: false };
    for (const word of ['ruok', 'srvr', 'stat', 'mntr', 'conf', 'cons', 'isro']) {
      assert.equal(answer(word, view), captured('notServing', word), word);
    }
  });
});

describe('ruok and isro', () => {
  it('have no newline', () => {
    assert.equal(answer('ruok', LEADER), captured('leader', 'ruok'));
    assert.equal(answer('isro', LEADER), captured('leader', 'isro'));
    assert.equal(answer('isro', { ...LEADER, mode: 'read-only' }), 'ro');
  });
});

describe('the whitelist', () => {
  it('always has srvr, and isro only where the server may turn read-only', () => {
    const words = [...FOUR_LETTER_WORDS];
    const allowed = (list: string[], readOnly = false): string[] => {
      const whitelist = fourLetterWhitelist(list, readOnly);
      return words.filter((word) => whitelist.has(word));
    };
    assert.deepEqual(allowed([]), ['srvr']);
    assert.deepEqual(allowed([], true).sort(), ['isro', 'srvr']);
    assert.deepEqual(allowed(['stat', 'ruok']).sort(), ['ruok', 'srvr', 'stat']);
    assert.deepEqual(allowed(['*']), words);
  });

  it("refuses in Apache's words", () => {
    assert.equal(
      answerFourLetterWord('conf', LEADER, fourLetterWhitelist([])),
      'conf is not executed because it is not in the whitelist.\n',
    );
  });

  it('admits that some words are known and not answered', () => {
    assert.ok(FOUR_LETTER_WORDS.has('srst'));
    assert.equal(answer('srst', LEADER), 'srst is not supported by this server.\n');
    assert.equal(FOUR_LETTER_WORDS.has('GET '), false);
  });
});
