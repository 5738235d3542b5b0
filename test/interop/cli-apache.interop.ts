/**
 * `picket cli` beside zkCli, the same lines on fresh Apache servers: every line of the one is meant
 * to be a line of the other. Skipped where ZooKeeper is not installed.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ApacheEnsemble, apacheClassPath, apacheMissing } from '../helpers/apache.ts';

const { PICKET_REQUIRE_INTEROP } = process.env;
const skip = PICKET_REQUIRE_INTEROP === '1' ? false : (apacheMissing() ?? false);
const MAIN = fileURLToPath(new URL('../../node/cli/main.js', import.meta.url));

describe('picket cli beside zkCli', { skip, timeout: 120_000 }, () => {
  for (const [what, lines] of [
    ['create, read, change and delete', operations()],
    ['flags, quotes and paths', words()],
    ['access lists', lists()],
    ['history and connections', shell()],
  ] as const) {
    test(what, async () => {
      const [theirs, ours] = await Promise.all([run('zkCli', lines), run('picket', lines)]);
      assert.deepEqual(ours, theirs);
    });
  }

  test('a command in the arguments ends with its exit code', async () => {
    const apache = await ApacheEnsemble.start(1);
    try {
      const at = ['-server', apache.connectString];
      const create = await picket([...at, 'create', '/one', 'two words'], '');
      assert.deepEqual([create.code, create.stderr], [0, 'Created /one\n']);
      const get = await picket([...at, 'get', '/one'], '');
      assert.deepEqual([get.stderr, get.code], ['', 0]);
      assert.equal(get.stdout.trimEnd().split('\n').at(-1), 'two words');
      const missing = await picket([...at, 'get', '/none'], '');
      assert.deepEqual([missing.code, missing.stderr], [1, 'Node does not exist: /none\n']);
      assert.equal((await picket([...at, 'nosuch'], '')).code, 127);
      assert.equal((await picket(at, 'get /none')).code, 1);
      assert.equal((await picket(at, 'get /none\nls /\n')).code, 0);
    } finally {
      await apache.stop();
    }
  });
});

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the lines on a fresh server, so that zxids and session ids are those of the other run. */
async function run(who: 'zkCli' | 'picket', lines: readonly string[]): Promise<object> {
  const apache = await ApacheEnsemble.start(1);
  try {
    const argv = ['-server', apache.connectString];
    const input = `${lines.join('\n')}\n`.replaceAll('SERVER', apache.connectString);
    const output = who === 'picket' ? await picket(argv, input) : await zkCli(argv, input);
    return comparable(output, apache.connectString);
  } finally {
    await apache.stop();
  }
}

/**
 * What both must have in common: times and addresses apart, and without the banner, the names of
 * Java's classes and the noise of its logging. Watch events come from a thread of their own in
 * Java, so they are compared in order, but not in their place between the other lines. Each
 * connection has its own such thread: of what they say of their sessions only the sum is certain.
 */
function comparable({ code, stdout, stderr }: Output, address: string): object {
  const clean = (text: string) =>
    text
      .replaceAll(address, 'SERVER')
      .replaceAll(/^([cm]time) = .*$/gm, '$1 = TIME')
      .replaceAll('org.apache.commons.cli.UnrecognizedOptionException: ', '')
      .split('\n')
      .filter((line) => line !== '' && !/^(Welcome|JLine|SLF4J|log4j|WATCHER)/.test(line));
  const isEvent = (line: string) => line.startsWith('WatchedEvent');
  const isOfSession = (line: string) => line.endsWith('path:null');
  const out = clean(stdout);
  return {
    code,
    out: out.filter((line) => !isEvent(line)),
    events: out.filter((line) => isEvent(line) && !isOfSession(line)),
    sessionEvents: out.filter((line) => isEvent(line) && isOfSession(line)).sort(),
    err: clean(stderr),
  };
}

function picket(argv: readonly string[], input: string): Promise<Output> {
  return spawned(process.execPath, [MAIN, 'cli', ...argv], input);
}

function zkCli(argv: readonly string[], input: string): Promise<Output> {
  const java = ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', apacheClassPath()];
  return spawned('java', [...java, 'org.apache.zookeeper.ZooKeeperMain', ...argv], input);
}

function spawned(command: string, args: readonly string[], input: string): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, TZ: 'UTC' } });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk) => {
        text[name] += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...text }));
    child.stdin.end(input);
  });
}

function operations(): string[] {
  return [
    ...['create /osgi hello', 'create /osgi', 'create -s /osgi/n- x', 'create -e /eph x'],
    ...['create -e -s /ephs x', 'create /eph/child y', 'create /no/parent y', 'get /osgi'],
    ...['get -s /osgi', 'get /none', 'stat /osgi', 'stat /none', 'ls /', 'ls -s /', 'ls /none'],
    ...[
      'set /osgi world',
      'set -s /osgi w2',
      'set -v 9 /osgi w',
      'set -v 2 /osgi w',
      'set /none x',
    ],
    ...['delete /osgi', 'delete -v 9 /osgi/n-0000000000', 'delete /none', 'delete /', 'set / x'],
    ...['delete /zookeeper', 'create /nodata', 'get /nodata', 'sync /', 'create -c /container x'],
    ...['create -t 1000 /ttl', 'create -t 0 /ttl', 'create -c -e /c', 'create -t 5 -e /t'],
    ...['ls -w /osgi', 'create /osgi/w1', 'get -w /osgi', 'set /osgi changed', 'stat -w /osgi'],
    ...[
      'create /osgi/w1/x',
      'create /osgi/a',
      'create /osgi/a-b',
      'create /osgi/a/z',
      'ls -R /osgi',
    ],
    ...['deleteall /osgi', 'deleteall /none', 'ls /'],
  ];
}

function words(): string[] {
  return [
    ...[`create /q 'single quoted'`, 'get /q', String.raw`create /dq "a \"b\" c"`, 'create bad'],
    ...['create /a/', 'create /a//b', 'create /a/../b', 'create /a/./b', 'get //', 'get relative'],
    ...['create /e ""', 'get -s /e', 'set /q "unmatched', 'get /q -s', 'set /q -5', 'set /q -- -5'],
    ...['get /q', 'ls -x /', 'get -z /', 'ls -sw /q', 'ls', 'get', 'create', 'delete', 'set /x'],
    ...['sync', 'stat', 'getAcl', 'setAcl /q', 'addauth', 'ls / w', 'stat /q w', 'get /q w'],
    ...['set /q a b c', 'get /q', 'create /bin "äöü€"', 'get /bin', 'create -- /dash'],
  ];
}

function lists(): string[] {
  return [
    ...[
      'create /n',
      'getAcl /n',
      'getAcl -s /n',
      'setAcl /n world:anyone:cdrwa',
      'setAcl /n bogus',
    ],
    ...[
      'setAcl -s /n world:anyone:cdrwa',
      'setAcl -v 9 /n world:anyone:cdrwa',
      'create /b x bogus',
    ],
    ...['create /d x digest:u:cdrwa', 'setAcl /n auth::cdrwa', 'addauth digest u:p'],
    ...['create /sec "a b" auth::cdrwa', 'getAcl /sec', 'setAcl /n world:anyone:xyz', 'getAcl /n'],
    ...['create /two x world:anyone:cr,ip:127.0.0.1:wda', 'getAcl /two', 'getAcl /none'],
  ];
}

function shell(): string[] {
  return [
    ...['create /r 1', 'history', 'redo 0', 'redo 100', 'redo 2', 'history', 'printwatches'],
    ...['printwatches off', 'printwatches', 'printwatches on', 'ls -w /', 'create /y'],
    ...['connect SERVER', 'get /r', 'connect', 'get /r', 'ls /', 'get /missing', 'quit', 'ls /'],
  ];
}
