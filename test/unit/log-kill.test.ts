/**
 * kill -9 against a real process on a real file system: everything it has acknowledged is there.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDataDirs } from '../../node/log/data-dir.ts';
import { OsDisk } from '../../node/log/os-disk.ts';
import { recoverJournal } from '../../node/log/recovery.ts';

const APPENDER = fileURLToPath(new URL('../helpers/log-appender.js', import.meta.url));

/** Lets the appender run until it has acknowledged `count` more, then kills it. */
async function appendAndKill(directory: string, count: number): Promise<number[]> {
  const child = spawn(process.execPath, [APPENDER, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > count) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  assert.equal(signal, 'SIGKILL');
  // A line without its end was cut off in the middle of a number.
  return text.split('\n').slice(0, -1).map(Number);
}

function recover(directory: string): number[] {
  const dirs = openDataDirs({ dataDir: directory, dataLogDir: directory });
  try {
    const { txns } = recoverJournal({
      disk: new OsDisk(),
      directory: dirs.journalDirectory,
      snapshotDirectory: dirs.snapshotDirectory,
      sid: 1,
      newSeed: () => 1,
      onFailed: (error) => assert.fail(error),
    });
    return txns.map((entry) => entry.zxid);
  } finally {
    dirs.lock.release();
  }
}

test('kill -9 loses nothing acknowledged, start after start', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-'));
  try {
    let acknowledged = 0;
    for (const count of [1, 150, 60, 200]) {
      const printed = await appendAndKill(directory, count);
      assert.ok(printed.length >= count);
      acknowledged = printed.at(-1) ?? acknowledged;
      const found = recover(directory);
      assert.deepEqual(
        found,
        Array.from({ length: found.length }, (_, i) => i + 1),
      );
      assert.ok(found.length >= acknowledged, `${found.length} of ${acknowledged}`);
    }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
});
