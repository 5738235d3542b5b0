import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import { errorCode } from '../../node/log/disk.ts';
import { diskContract } from '../contract/disk-contract.ts';
import { SimCrash, SimDisk } from '../helpers/sim-disk.ts';

diskContract('simulated disk', () => {
  const disk = new SimDisk();
  disk.makeDirectorySync('/d');
  return { disk, root: '/d', run: () => disk.run(), dispose: () => {} };
});

/** A file of four sectors that is durable, and then overwritten without a flush. */
function overwritten(): SimDisk {
  const disk = new SimDisk();
  disk.makeDirectorySync('/d');
  const file = disk.openSync('/d/a', 'create');
  file.writeSync([Buffer.alloc(2048, 1)], 0);
  file.syncSync();
  disk.syncDirectorySync('/d');
  file.writeSync([Buffer.alloc(2048, 2)], 0);
  return disk;
}

test('a power cut tears an unsynced write at sectors, a killed process loses nothing', () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 60; seed += 1) {
    const disk = overwritten();
    disk.powerCut(new Prng(seed));
    const content = disk.readFileSync('/d/a');
    const sectors = [0, 1, 2, 3].map((i) => content.subarray(i * 512, i * 512 + 512));
    for (const sector of sectors) assert.equal(new Set(sector).size, 1);
    seen.add(sectors.map((sector) => sector[0]).join(''));
  }
  assert.ok(seen.has('1111') && seen.has('2222'), 'nothing and everything');
  assert.ok(seen.has('1212') || seen.has('2121') || seen.has('1221'), 'not only a suffix');
  const killed = overwritten();
  killed.kill();
  assert.equal(killed.readFileSync('/d/a')[2047], 2);
});

test('a name is durable only after a sync of its directory', () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 40; seed += 1) {
    const disk = new SimDisk();
    disk.makeDirectorySync('/d');
    const file = disk.openSync('/d/a.tmp', 'create');
    file.syncSync();
    disk.renameSync('/d/a.tmp', '/d/a');
    disk.powerCut(new Prng(seed));
    outcomes.add(disk.listSync('/d').join());
  }
  assert.deepEqual([...outcomes].sort(), ['', 'a', 'a.tmp']);
});

test('what was flushed survives every power cut', () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const disk = overwritten();
    disk.openSync('/d/a', 'update').syncSync();
    disk.powerCut(new Prng(seed));
    assert.equal(disk.readFileSync('/d/a')[0], 2);
  }
});

test('a failed flush leaves pages that read back and are lost', () => {
  const disk = overwritten();
  disk.failNext({ type: 'error', code: 'EIO' });
  const file = disk.openSync('/d/a', 'update');
  assert.throws(
    () => file.syncSync(),
    (error) => errorCode(error) === 'EIO',
  );
  file.syncSync();
  assert.equal(disk.readFileSync('/d/a')[0], 2);
  disk.powerCut(new Prng(1));
  assert.equal(disk.readFileSync('/d/a')[0], 1);
});

test('a full disk and a stopped machine', () => {
  const disk = new SimDisk({ capacityBytes: 100 });
  disk.makeDirectorySync('/d');
  const file = disk.openSync('/d/a', 'create');
  file.writeSync([Buffer.alloc(90)], 0);
  assert.throws(
    () => file.writeSync([Buffer.alloc(11)], 90),
    (error) => errorCode(error) === 'ENOSPC',
  );
  let completed = false;
  file.write([Buffer.alloc(1)], 0, () => {
    completed = true;
  });
  disk.failNext({ type: 'crash' });
  disk.run();
  assert.equal(completed, false);
  assert.equal(disk.hasCrashed, true);
  assert.throws(() => disk.removeSync('/d/a'), SimCrash);
  disk.kill();
  assert.throws(() => file.syncSync(), SimCrash, 'a file of the process before');
  assert.equal(disk.readFileSync('/d/a').length, 90);
});
