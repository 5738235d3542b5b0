/** The checks on a peer's directories, and the lock that keeps them one process's. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openDataDirs } from '../../node/log/data-dir.ts';
import {
  ApacheDataError,
  DataDirLockedError,
  DirectoryNotWritableError,
  explainDiskError,
} from '../../node/log/errors.ts';
import { LOCK_NAME, lockDirectory } from '../../node/log/lock-file.ts';

function inDirectory(body: (directory: string) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-'));
    try {
      await body(directory);
    } finally {
      fs.rmSync(directory, { recursive: true, force: true });
    }
  };
}

test(
  'directories are made, locked and released',
  inDirectory((directory) => {
    const dirs = { dataDir: path.join(directory, 'a'), dataLogDir: path.join(directory, 'b/c') };
    const opened = openDataDirs(dirs);
    assert.equal(opened.journalDirectory, path.join(directory, 'b/c/journal'));
    assert.equal(opened.snapshotDirectory, path.join(directory, 'a/snapshots'));
    assert.throws(() => openDataDirs(dirs), DataDirLockedError);
    const shared = { dataDir: path.join(directory, 'd'), dataLogDir: dirs.dataLogDir };
    assert.throws(() => openDataDirs(shared), DataDirLockedError);
    opened.lock.release();
    opened.lock.release();
    assert.ok(!fs.existsSync(path.join(directory, 'd', LOCK_NAME)), 'a failure keeps no lock');
    openDataDirs(dirs).lock.release();
    assert.deepEqual(fs.readdirSync(dirs.dataLogDir), []);
  }),
);

test(
  'the data of an Apache server is refused with the remedy, beside a journal it is not',
  inDirectory((directory) => {
    const dirs = { dataDir: directory, dataLogDir: directory };
    fs.mkdirSync(path.join(directory, 'version-2'));
    openDataDirs(dirs).lock.release();
    fs.writeFileSync(path.join(directory, 'version-2/log.100000001'), 'ZKLG');
    assert.throws(
      () => openDataDirs(dirs),
      (error) => error instanceof ApacheDataError && /empty directory/.test(error.message),
    );
    fs.mkdirSync(path.join(directory, 'journal'));
    openDataDirs(dirs).lock.release();
  }),
);

test(
  'the lock of a process that runs is respected, that of a killed one is not',
  inDirectory(async (directory) => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    assert.ok(child.pid !== undefined);
    const stat = fs.readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const bootId = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const file = path.join(directory, LOCK_NAME);
    fs.writeFileSync(file, `${child.pid} ${startTime} ${bootId}\n`);
    assert.throws(
      () => lockDirectory(directory),
      (error) => error instanceof DataDirLockedError && error.message.includes(`${child.pid}`),
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    lockDirectory(directory).release();
    assert.deepEqual(fs.readdirSync(directory), []);
  }),
);

test(
  'a lock of another boot, of another process with the same pid, or in pieces is stale',
  inDirectory((directory) => {
    const file = path.join(directory, LOCK_NAME);
    const lock = lockDirectory(directory);
    const own = fs.readFileSync(file, 'utf8');
    assert.throws(() => lockDirectory(directory), DataDirLockedError);
    lock.release();
    const [pid = '', startTime = '', bootId = ''] = own.trim().split(' ');
    const stale = [`${pid} ${startTime} other-boot\n`, `${pid} 1 ${bootId}\n`, '', 'nonsense'];
    for (const content of stale) {
      fs.writeFileSync(file, content);
      const taken = lockDirectory(directory);
      assert.equal(fs.readFileSync(file, 'utf8'), own, content);
      taken.release();
    }
  }),
);

test(
  'a lock that another process has taken over is not released',
  inDirectory((directory) => {
    const file = path.join(directory, LOCK_NAME);
    const lock = lockDirectory(directory);
    fs.writeFileSync(file, '1 2 3\n');
    lock.release();
    assert.equal(fs.readFileSync(file, 'utf8'), '1 2 3\n');
  }),
);

test('a directory that cannot be written is named with the remedy', () => {
  // Root may write anywhere, so the error is made, not provoked.
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  const explained = explainDiskError(denied, '/var/lib/picket/picket.lock');
  assert.ok(explained instanceof DirectoryNotWritableError);
  assert.match(explained.message, /Make \/var\/lib\/picket writable/);
});
