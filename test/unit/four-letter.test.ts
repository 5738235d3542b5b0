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
import type { ServerView, SummaryView } from '../../node/admin/four-letter-view.ts';
import {
  APACHE_VERSION,
  asker,
  client,
  FOLLOWER,
  LEADER,
  LEADER_SESSION,
  RecordingControl,
  STANDALONE,
} from '../helpers/server-view.ts';

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
const NOTHING = new Uint8Array(0);

function answer(word: string, view: ServerView, whitelist = ALL): string {
  const server = { view: () => view, control: new RecordingControl(), whitelist };
  const text = answerFourLetterWord(word, NOTHING, server);
  assert.ok(typeof text === 'string', `${word} is answered at once`);
  return text;
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
  const quantile = (q: number): number => q * 1000;

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
    const fsyncs: SummaryView = { count: 3, sum: 12.9, min: 0.4, avg: 4.3, max: 9.7, quantile };
    const reads: SummaryView = { count: 2, sum: 9, min: 1, avg: 4.5, max: 8, quantile };
    const metrics = {
      counters: [['commit_count', 7]] as const,
      summaries: [['fsynctime', fsyncs]] as const,
      detailed: [['readlatency', reads]] as const,
      sets: [['read_per_namespace', [['app', reads]]]] as const,
    };
    const lines = answer('mntr', { ...LEADER, metrics }).split('\n');
    assert.deepEqual(lines.slice(0, 2), [
      `zk_version\t${APACHE_VERSION}`,
      'zk_server_state\tleader',
    ]);
    const at = lines.indexOf('zk_commit_count\t7');
    assert.deepEqual(lines.slice(at + 1), [
      ...['zk_avg_fsynctime\t4.3', 'zk_min_fsynctime\t0', 'zk_max_fsynctime\t9'],
      ...['zk_cnt_fsynctime\t3', 'zk_sum_fsynctime\t12'],
      ...['zk_avg_readlatency\t4.5', 'zk_min_readlatency\t1', 'zk_max_readlatency\t8'],
      ...['zk_cnt_readlatency\t2', 'zk_sum_readlatency\t9', 'zk_p50_readlatency\t500'],
      ...['zk_p95_readlatency\t950', 'zk_p99_readlatency\t990', 'zk_p999_readlatency\t999'],
      ...['zk_avg_app_read_per_namespace\t4.5', 'zk_min_app_read_per_namespace\t1'],
      ...['zk_max_app_read_per_namespace\t8', 'zk_cnt_app_read_per_namespace\t2'],
      ...['zk_sum_app_read_per_namespace\t9', ''],
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
      answer('conf', LEADER, fourLetterWhitelist([])),
      'conf is not executed because it is not in the whitelist.\n',
    );
  });

  it("knows ZooKeeper's words and takes nothing else for one", () => {
    const words = 'conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat stmk';
    const known = [...words.split(' '), 'wchc', 'wchp', 'wchs'];
    assert.deepEqual([...FOUR_LETTER_WORDS].sort(), known);
  });
});
