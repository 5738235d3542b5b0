import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  HISTORY_LINES_MAX,
  historyFile,
  loadHistory,
  saveHistory,
} from '../../node/cli/cli/history-file.ts';

let dir: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'picket-'));
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

test('the file is in the state directory of the user', () => {
  assert.equal(historyFile({ XDG_STATE_HOME: dir }), path.join(dir, 'picket', 'cli-history'));
  const standard = path.join(os.homedir(), '.local', 'state', 'picket', 'cli-history');
  assert.equal(historyFile({}), standard);
  assert.equal(historyFile({ XDG_STATE_HOME: 'relative' }), standard);
});

test('lines come back in order, for the owner only', () => {
  const file = historyFile({ XDG_STATE_HOME: dir });
  assert.deepEqual(loadHistory(file), []);
  assert.ok(saveHistory(file, ['ls /', 'get /a']));
  assert.deepEqual(loadHistory(file), ['ls /', 'get /a']);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ['cli-history']);
});

test('passwords and lines behind a space are not kept', () => {
  const file = path.join(dir, 'history');
  saveHistory(file, ['addauth digest u:secret', ' ls /hidden', 'ls /', '']);
  assert.equal(fs.readFileSync(file, 'utf8'), 'ls /\n');
});

test('the file is bounded', () => {
  const file = path.join(dir, 'history');
  const lines = Array.from({ length: HISTORY_LINES_MAX + 5 }, (_, i) => `get /${i}`);
  saveHistory(file, lines);
  assert.deepEqual(loadHistory(file), lines.slice(0, HISTORY_LINES_MAX));
  fs.writeFileSync(file, 'x'.repeat(2 * 1024 * 1024));
  assert.deepEqual(loadHistory(file), []);
});

test('where it cannot be written, the shell goes without it', () => {
  fs.writeFileSync(path.join(dir, 'file'), '');
  assert.equal(saveHistory(path.join(dir, 'file', 'history'), ['ls /']), false);
});
