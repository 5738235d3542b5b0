/** Snapshot files: what goes in comes out, and a file that is not whole is never taken for one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionId } from '../../node/core/session-id.ts';
import type { AclList } from '../../node/core/tree/acl.ts';
import { makeZxid } from '../../node/core/zxid.ts';
import { errorCode } from '../../node/log/disk.ts';
import { SnapshotDamagedError } from '../../node/log/errors.ts';
import type { SnapshotNode, SnapshotSource } from '../../node/log/snapshot-format.ts';
import { loadSnapshot, verifySnapshot } from '../../node/log/snapshot-reader.ts';
import { type SnapshotReport, writeSnapshot } from '../../node/log/snapshot-writer.ts';
import { node, SID, SNAPSHOTS, snapshotPath, sourceOf } from '../helpers/log-journal.ts';
import { SimDisk } from '../helpers/sim-disk.ts';

const ZXID = makeZxid(70_000, 12);

function newDisk(capacityBytes?: number): SimDisk {
  const disk = new SimDisk(capacityBytes === undefined ? {} : { capacityBytes });
  disk.makeDirectorySync(SNAPSHOTS);
  return disk;
}

function write(disk: SimDisk, source: SnapshotSource): SnapshotReport | Error | null {
  let result: SnapshotReport | Error | null = null;
  writeSnapshot(disk, SNAPSHOTS, SID, source, (error, report) => {
    result = error ?? report;
  });
  disk.run();
  return result;
}

function load(disk: SimDisk, zxid = ZXID): { nodes: SnapshotNode[]; sessions: string[] } {
  const nodes: SnapshotNode[] = [];
  const sessions: string[] = [];
  const loaded = loadSnapshot(disk, SNAPSHOTS, zxid, {
    addSession: (id, timeoutMs) => sessions.push(`${id} ${timeoutMs}`),
    addNode: (added) => nodes.push(added),
  });
  assert.deepEqual(loaded, verifySnapshot(disk, SNAPSHOTS, zxid));
  return { nodes, sessions };
}

const ODD_ACL: AclList = [
  { perms: 31, id: { scheme: 'digest', id: 'ann:x' } },
  { perms: 1, id: { scheme: 'world', id: 'anyone' } },
];

const ODD_NODES: SnapshotNode[] = [
  node('/', 0, { data: null, ctime: 0, mtime: 0 }),
  node('/empty', ZXID, { data: Buffer.alloc(0) }),
  node('/ünïcode \u{1f600}', 1, { acl: ODD_ACL, version: -1, cversion: 2 ** 31 - 1 }),
  node('/same-acl', 2, { acl: ODD_ACL.map((acl) => ({ ...acl })), aversion: -(2 ** 31) }),
  node('/ephemeral', ZXID, { ephemeralOwner: new SessionId(-1, -(2 ** 31)) }),
  node('/no-acl', ZXID, { acl: [] }),
];

function plain(nodes: readonly SnapshotNode[]): unknown {
  return nodes.map((each) => ({
    ...each,
    data: each.data === null ? null : Buffer.from(each.data).toString('hex'),
    ephemeralOwner: each.ephemeralOwner.toString(),
  }));
}

test('every field of a znode and every session comes back', () => {
  const disk = newDisk();
  const ids = [new SessionId(-(2 ** 31), 5), new SessionId(1, -1)] as const;
  const report = write(
    disk,
    sourceOf(ZXID, ODD_NODES, [
      [ids[0], 4000],
      [ids[1], 40_000],
    ]),
  );
  assert.ok(report !== null && !(report instanceof Error));
  assert.deepEqual(report, {
    zxid: ZXID,
    path: snapshotPath(ZXID),
    bytes: disk.peek(snapshotPath(ZXID)).length,
    nodes: 6,
  });
  const { nodes, sessions } = load(disk);
  assert.deepEqual(plain(nodes), plain(ODD_NODES));
  assert.deepEqual(sessions, [`${ids[0]} 4000`, `${ids[1]} 40000`]);
  assert.equal(nodes[2]?.acl, nodes[3]?.acl, 'equal lists are one list');
  assert.deepEqual(disk.listSync(SNAPSHOTS), ['000111700000000c.snap']);
});

test('a large tree goes out in slices, and the event loop is free between them', () => {
  const disk = newDisk();
  const nodes = Array.from({ length: 5000 }, (_, i) => node(`/n${i}`, i));
  writeSnapshot(disk, SNAPSHOTS, SID, sourceOf(ZXID, nodes), () => {});
  let steps = 0;
  while (disk.runNext()) steps += 1;
  assert.ok(steps > 12, `${steps} operations`);
  assert.deepEqual(plain(load(disk).nodes), plain(nodes));
});

test('a slice is bounded in bytes, too', () => {
  const disk = newDisk();
  const nodes = Array.from({ length: 60 }, (_, i) =>
    node(`/n${i}`, i, { data: Buffer.alloc(100_000, i) }),
  );
  writeSnapshot(disk, SNAPSHOTS, SID, sourceOf(ZXID, nodes), () => {});
  const sizes: number[] = [];
  let before = 0;
  while (disk.runNext()) {
    const [name] = disk.listSync(SNAPSHOTS);
    const size = name === undefined ? 0 : disk.peek(`${SNAPSHOTS}/${name}`).length;
    sizes.push(size - before);
    before = size;
  }
  assert.ok(Math.max(...sizes) < 3_000_000, `a slice of ${Math.max(...sizes)} bytes`);
  assert.equal(load(disk).nodes.length, 60);
});

test('any flipped, missing or additional byte is damage', () => {
  const disk = newDisk();
  write(disk, sourceOf(ZXID, ODD_NODES, [[new SessionId(1, 2), 4000]]));
  const path = snapshotPath(ZXID);
  const whole = Buffer.from(disk.peek(path));
  const damaged = (content: Uint8Array, what: string): void => {
    disk.poke(path, content);
    assert.throws(() => verifySnapshot(disk, SNAPSHOTS, ZXID), SnapshotDamagedError, what);
  };
  for (let offset = 0; offset < whole.length; offset += 1) {
    for (const mask of [1, 0x80]) {
      const content = Buffer.from(whole);
      content.writeUInt8(content.readUInt8(offset) ^ mask, offset);
      damaged(content, `byte ${offset}`);
    }
    damaged(whole.subarray(0, offset), `cut at ${offset}`);
  }
  damaged(Buffer.concat([whole, Buffer.alloc(1)]), 'a byte behind the end');
  disk.removeSync(path);
  assert.throws(() => verifySnapshot(disk, SNAPSHOTS, ZXID), SnapshotDamagedError);
});

test('a snapshot under the name of another zxid is damage', () => {
  const disk = newDisk();
  write(disk, sourceOf(ZXID, ODD_NODES));
  disk.renameSync(snapshotPath(ZXID), snapshotPath(ZXID + 1));
  assert.throws(() => load(disk, ZXID + 1), /the snapshot of 0x111700000000d/);
});

test('a disk that fails at any operation leaves no snapshot, or a whole one', () => {
  const total = ((): number => {
    const disk = newDisk();
    write(disk, sourceOf(ZXID, ODD_NODES));
    return disk.operations;
  })();
  for (let failAt = 2; failAt <= total; failAt += 1) {
    const disk = newDisk();
    disk.failAt(failAt, { type: 'error', code: 'EIO' });
    const result = write(disk, sourceOf(ZXID, ODD_NODES));
    assert.ok(result instanceof Error, `operation ${failAt}`);
    assert.equal(errorCode(result), 'EIO');
    if (disk.listSync(SNAPSHOTS).includes('000111700000000c.snap')) load(disk);
  }
});

test('a full disk is an error, and the file is taken away again', () => {
  const disk = newDisk(400);
  const result = write(disk, sourceOf(ZXID, ODD_NODES));
  assert.ok(result instanceof Error);
  assert.equal(errorCode(result), 'ENOSPC');
  assert.deepEqual(disk.listSync(SNAPSHOTS), []);
});

test('a file that does not read back is not published', () => {
  const disk = newDisk();
  let result: Error | null = null;
  writeSnapshot(disk, SNAPSHOTS, SID, sourceOf(ZXID, ODD_NODES), (error) => {
    result = error;
  });
  // The medium changes a byte after the last write.
  for (let i = 0; i < 4; i += 1) disk.runNext();
  const temporary = disk.listSync(SNAPSHOTS).map((name) => `${SNAPSHOTS}/${name}`)[0] ?? '';
  const content = Buffer.from(disk.peek(temporary));
  content.writeUInt8(content.readUInt8(50) ^ 1, 50);
  disk.poke(temporary, content);
  disk.run();
  assert.ok((result as Error | null) instanceof SnapshotDamagedError);
  assert.deepEqual(disk.listSync(SNAPSHOTS), []);
});

test('two snapshots of one zxid may be under way', () => {
  const disk = newDisk();
  let done = 0;
  for (let i = 0; i < 2; i += 1) {
    writeSnapshot(disk, SNAPSHOTS, SID, sourceOf(ZXID, ODD_NODES), (error) => {
      assert.equal(error, null);
      done += 1;
    });
  }
  disk.run();
  assert.equal(done, 2);
  assert.equal(load(disk).nodes.length, 6);
});
