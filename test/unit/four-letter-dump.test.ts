/**
 * The words that show sessions and watches and those that change something, against what Apache
 * ZooKeeper 3.8 answered: three servers and a standalone one, a client on each with watches on
 * three paths, ephemerals below /app and /other.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import {
  type Answer,
  answerFourLetterWord,
  fourLetterWhitelist,
} from '../../node/admin/four-letter.ts';
import type { ServerView } from '../../node/admin/four-letter-view.ts';
import { SessionId } from '../../node/core/session-id.ts';
import {
  asker,
  client,
  FOLLOWER,
  LEADER,
  LEADER_SESSION,
  RecordingControl,
  STANDALONE,
} from '../helpers/server-view.ts';

// Dates are written in the zone of the process; the captures are from one in UTC.
Object.assign(process.env, { TZ: 'UTC' });

const FIXTURE = new URL(
  '../../../test/unit/fixtures/four-letter/apache-3.8-watches.json',
  import.meta.url,
);
const apache: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  fs.readFileSync(FIXTURE, 'utf8'),
);

/** What Apache's server answered. */
function captured(server: string, word: string): string {
  const text = apache[server]?.[word];
  assert.ok(text !== undefined, `no capture of ${word} from ${server}`);
  return text;
}

const ALL = fourLetterWhitelist(['*']);
const NOTHING = new Uint8Array(0);
const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests';

function ask(
  word: string,
  view: ServerView,
  control = new RecordingControl(),
  argument: Uint8Array = NOTHING,
): Answer {
  return answerFourLetterWord(word, argument, { view: () => view, control, whitelist: ALL });
}

/** Sessions are written as in the captures. */
function session(hex: bigint): SessionId {
  return SessionId.fromBigInt(hex);
}

function at(hour: number, minute: number, second: number): number {
  return Date.UTC(2026, 10, 24, hour, minute, second);
}

/** A server with one client, which watches and owns what the captured ones did. */
function watched(base: ServerView, id: SessionId): ServerView {
  const paths = ['/app', '/other', '/nope'];
  return {
    ...base,
    watchSummary: { connections: 1, paths: 3, watches: 3 },
    watchesBySession: [[id, paths]],
    watchesByPath: paths.map((path) => [path, [id]] as const),
  };
}

function connections(id: SessionId, port: number, askerPort: number, expiresAtMs: number) {
  const own = client(port, 6, { session: { ...LEADER_SESSION, id }, expiresAtMs });
  return [own, { ...asker(askerPort), expiresAtMs }];
}

const [S1, S2, S3] = [0x100004ccd770000n, 0x200004ccdad0000n, 0x300004ccd880000n].map(session);
const ALONE = session(0x100004ccf190000n);
assert.ok(S1 !== undefined && S2 !== undefined && S3 !== undefined);

const ephemerals: ServerView['ephemerals'] = [
  [S3, ['/other/e']],
  [S1, ['/app/e1', '/app/e2']],
];

describe('dump', () => {
  it("is Apache's to the byte on a leader and a standalone server, which track sessions", () => {
    const leader: ServerView = {
      ...LEADER,
      sessions: { kind: 'tracked', sets: [{ expiresAtMs: at(13, 23, 45), ids: [S1, S3, S2] }] },
      ephemerals,
      connections: connections(S3, 39_130, 39_160, at(13, 23, 49)),
    };
    assert.equal(ask('dump', leader), captured('leader', 'dump'));
    const standalone: ServerView = {
      ...STANDALONE,
      sessions: { kind: 'tracked', sets: [{ expiresAtMs: at(13, 21, 45), ids: [ALONE] }] },
      ephemerals: [[ALONE, ['/app/e1', '/other/e', '/app/e2']]],
      connections: connections(ALONE, 51_668, 51_686, at(13, 21, 49)),
    };
    assert.equal(ask('dump', standalone), captured('standalone', 'dump'));
  });

  it("is Apache's to the byte on a follower, which knows the sessions", () => {
    const sessions = [S1, S2, S3].map((id) => [id, 10_000] as const);
    const follower: ServerView = {
      ...FOLLOWER,
      sessions: { kind: 'known', sessions },
      ephemerals,
      connections: connections(S1, 41_004, 41_034, at(13, 23, 49)),
    };
    assert.equal(ask('dump', follower), captured('follower', 'dump'));
  });

  it('counts sets and members, and puts connections that expire together in one', () => {
    const [one, two] = connections(S1, 1, 2, at(1, 0, 0));
    assert.ok(one !== undefined && two !== undefined);
    const later = { ...one, expiresAtMs: at(2, 0, 0) };
    const text = ask('dump', { ...LEADER, connections: [later, one, two] });
    assert.ok(typeof text === 'string');
    assert.match(text, /^Session Sets \(0\)\/\(0\):\nephemeral/m);
    assert.match(
      text,
      /^Connections Sets \(2\)\/\(3\):\n2 expire at .* 01:00:00 .*\n\t.*\n\t.*\n1 /m,
    );
  });
});

describe('wchs, wchc, wchp and dirs', () => {
  it("are Apache's to the byte", () => {
    for (const [name, base, id] of [
      ['standalone', STANDALONE, ALONE],
      ['leader', LEADER, S3],
      ['follower', FOLLOWER, S1],
    ] as const) {
      const view = watched(base, id);
      for (const word of ['wchs', 'wchc', 'wchp']) {
        assert.equal(ask(word, view), captured(name, word), `${word} of ${name}`);
      }
    }
    assert.equal(ask('dirs', STANDALONE), captured('standalone', 'dirs'));
  });

  it('say nothing of watches where there are none', () => {
    assert.equal(ask('wchs', LEADER), '0 connections watching 0 paths\nTotal watches:0\n');
    assert.equal(ask('wchc', LEADER), '\n');
    assert.equal(ask('wchp', LEADER), '\n');
  });
});

describe('crst and srst', () => {
  it("do it and say so in Apache's words", () => {
    const control = new RecordingControl();
    assert.equal(ask('crst', LEADER, control), captured('leader', 'crst'));
    assert.equal(ask('srst', LEADER, control), captured('leader', 'srst'));
    assert.deepEqual(control.asked, ['resetConnections', 'resetStatistics']);
  });
});

describe('gtmk and stmk', () => {
  it('keep a mask of 64 bits with a sign', () => {
    const control = new RecordingControl();
    assert.equal(ask('gtmk', LEADER, control), captured('leader', 'gtmk'));
    const mask = Buffer.from('0000000000000103', 'hex');
    assert.equal(ask('stmk', LEADER, control, mask), captured('leader', 'stmk'));
    assert.equal(ask('gtmk', LEADER, control), '259');
    assert.equal(ask('stmk', LEADER, control, Buffer.alloc(9, 0xff)), '-1');
  });

  it('hang up on a word without its mask', () => {
    const control = new RecordingControl();
    assert.equal(ask('stmk', LEADER, control, Buffer.alloc(7)), null);
    assert.equal(control.traceMask, 306n);
  });
});

describe('hash', () => {
  it('is the zxid in hexadecimal and the digest as a signed number', async () => {
    assert.equal(await ask('hash', LEADER), '100000080: -5\n');
  });
});

describe('a server that does not serve', () => {
  it('says so and changes nothing', () => {
    const view = { ...LEADER, isServing: false };
    const control = new RecordingControl();
    for (const word of ['dirs', 'dump', 'wchs', 'wchc', 'wchp', 'crst', 'srst']) {
      assert.equal(ask(word, view, control), `${NOT_SERVING}\n`, word);
    }
    assert.equal(ask('hash', view, control), NOT_SERVING);
    assert.equal(ask('gtmk', view, control), '306');
    assert.deepEqual(control.asked, []);
  });
});
