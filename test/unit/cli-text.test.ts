/** What the shell reads and prints, compared with what zkCli 3.8 does. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { aclLines, parseAcl } from '../../node/cli/cli/acl-text.ts';
import { errorText } from '../../node/cli/cli/cli-error.ts';
import { completeLine } from '../../node/cli/cli/completion.ts';
import { parseFlags } from '../../node/cli/cli/flags.ts';
import { parseCliOptions } from '../../node/cli/cli/options.ts';
import { statLines } from '../../node/cli/cli/stat-text.ts';
import { splitWords } from '../../node/cli/cli/words.ts';
import { ZooKeeperError } from '../../node/client/client-error.ts';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { SessionId } from '../../node/core/session-id.ts';
import { formatJavaDate } from '../../node/runtime/java-date.ts';

const env: { TZ?: string | undefined } = process.env;
const { TZ } = env;
afterEach(() => {
  if (TZ === undefined) delete env.TZ;
  else env.TZ = TZ;
});

for (const [line, words] of [
  ['  get   /a\t-s ', ['get', '/a', '-s']],
  [`create /a "two words"`, ['create', '/a', 'two words']],
  [`create /a 'it is "so"'`, ['create', '/a', 'it is "so"']],
  ['create /a ""', ['create', '/a', '']],
  [`set /a it's`, ['set', '/a', "it's"]],
  ['set /a "unmatched', ['set', '/a', 'unmatched']],
  [String.raw`create /dq "double \"q\" x"`, ['create', '/dq', 'double \\', 'q\\"', 'x"']],
  ['"a"b', ['a', 'b']],
  ['   ', []],
] as const) {
  test(`the line ${JSON.stringify(line)} is split as zkCli does`, () => {
    assert.deepEqual(splitWords(line), words);
  });
}

test('flags stand anywhere, alone or together, with their value behind or attached', () => {
  const flags = parseFlags('sev:', ['-se', '/a', '-v', '-1', '--', '-x']);
  assert.deepEqual(flags.operands, ['/a', '-x']);
  assert.ok(flags.has('s') && flags.has('e'));
  assert.equal(flags.int('v'), -1);
  assert.equal(parseFlags('v:', ['-v7']).int('v'), 7);
  assert.equal(parseFlags('v:', []).int('v'), undefined);
  assert.deepEqual(parseFlags('', ['-']).operands, ['-']);
});

for (const [words, message] of [
  [['-x'], 'Unrecognized option: -x'],
  [['-sx'], 'Unrecognized option: -sx'],
  [['-:'], 'Unrecognized option: -:'],
  [['-v'], 'Missing argument for option: v'],
  [['-v', 'abc'], "-v takes a whole number of 32 bits, not 'abc'"],
  [['-v', '2147483648'], "-v takes a whole number of 32 bits, not '2147483648'"],
] as const) {
  test(`flags ${words.join(' ')} are refused`, () => {
    assert.throws(() => parseFlags('sv:', words).int('v'), { message });
  });
}

test('options come before the command and end with it', () => {
  const argv = [
    '-server',
    'a:1,b:2/c',
    '-timeout',
    '5000',
    '-r',
    '-waitforconnection',
    'get',
    '-s',
  ];
  assert.deepEqual(parseCliOptions(argv), {
    kind: 'run',
    options: { server: 'a:1,b:2/c', timeoutMs: 5000, readOnly: true, command: ['get', '-s'] },
  });
  assert.deepEqual(parseCliOptions([]), {
    kind: 'run',
    options: { server: 'localhost:2181', timeoutMs: 30_000, readOnly: false, command: [] },
  });
  assert.equal(parseCliOptions(['-help']).kind, 'help');
});

for (const [argv, message] of [
  [['-server'], /no argument found for option -server/],
  [['-timeout', '0'], /-timeout takes milliseconds/],
  [['-timeout', '5s'], /-timeout takes milliseconds/],
  [['-x', 'ls'], /unknown option -x; usage: picket cli/],
] as const) {
  test(`options ${argv.join(' ')} are refused`, () => {
    const parsed = parseCliOptions(argv);
    assert.match(parsed.kind === 'error' ? parsed.message : '', message);
  });
}

test('an ACL is read with colons inside its id and printed in the order cdrwa', () => {
  const warnings: string[] = [];
  const warn = (line: string) => warnings.push(line);
  const acl = parseAcl('digest:u:h=:awr,world:anyone:dc', warn);
  assert.deepEqual(acl, [
    { perms: 1 | 2 | 16, id: { scheme: 'digest', id: 'u:h=' } },
    { perms: 4 | 8, id: { scheme: 'world', id: 'anyone' } },
  ]);
  assert.deepEqual(aclLines(acl ?? []), ["'digest,'u:h=", ': rwa', "'world,'anyone", ': cd']);
  assert.deepEqual(parseAcl('auth::cdrwa', warn), [{ perms: 31, id: { scheme: 'auth', id: '' } }]);
  assert.equal(warnings.length, 0);
  assert.equal(parseAcl('bogus', warn), undefined);
  assert.equal(parseAcl('world:anyone:xr', warn)?.[0]?.perms, 1);
  assert.deepEqual(warnings, [
    'bogus does not have the form scheme:id:perm',
    'Unknown perm type: x',
  ]);
});

for (const [zone, timeMs, text] of [
  ['UTC', 0, 'Thu Jan 01 00:00:00 UTC 1970'],
  ['UTC', 1795522710123, 'Tue Nov 24 12:18:30 UTC 2026'],
  ['Europe/Berlin', 1795522710123, 'Tue Nov 24 13:18:30 CET 2026'],
  ['Europe/London', 1782518400000, 'Sat Jun 27 01:00:00 BST 2026'],
  ['America/New_York', 1795522710123, 'Tue Nov 24 07:18:30 EST 2026'],
] as const) {
  test(`a time in ${zone} is written as Java writes it`, () => {
    env.TZ = zone;
    assert.equal(formatJavaDate(timeMs), text);
  });
}

test('a Stat is printed in the order and form of zkCli', () => {
  env.TZ = 'UTC';
  const stat = {
    czxid: 0x100000002,
    mzxid: 0xab,
    ctime: 0,
    mtime: 0,
    version: 1,
    cversion: -1,
    aversion: 3,
    ephemeralOwner: new SessionId(0x01000000, -1),
    dataLength: 4,
    numChildren: 5,
    pzxid: 6,
  };
  assert.deepEqual(statLines(stat), [
    'cZxid = 0x100000002',
    'ctime = Thu Jan 01 00:00:00 UTC 1970',
    'mZxid = 0xab',
    'mtime = Thu Jan 01 00:00:00 UTC 1970',
    'pZxid = 0x6',
    'cversion = -1',
    'dataVersion = 1',
    'aclVersion = 3',
    'ephemeralOwner = 0x1000000ffffffff',
    'dataLength = 4',
    'numChildren = 5',
  ]);
});

test('refusals of the server read as in zkCli', () => {
  const text = (code: number, path?: string) => errorText(new ZooKeeperError(code, path));
  assert.equal(text(ErrorCode.noNode, '/x'), 'Node does not exist: /x');
  assert.equal(text(ErrorCode.nodeExists, '/x'), 'Node already exists: /x');
  assert.equal(text(ErrorCode.notEmpty, '/x'), 'Node not empty: /x');
  assert.equal(text(ErrorCode.badVersion, '/x'), 'version No is not valid : /x');
  assert.equal(text(ErrorCode.noAuth, '/x'), 'Insufficient permission : /x');
  assert.equal(text(ErrorCode.invalidAcl), 'Acl is not valid : null');
  assert.equal(text(ErrorCode.badArguments, '/'), 'Arguments are not valid : /');
  assert.equal(
    text(ErrorCode.noChildrenForEphemerals, '/x'),
    'Ephemerals cannot have children: /x',
  );
  assert.equal(text(ErrorCode.connectionLoss, '/x'), 'KeeperErrorCode = ConnectionLoss for /x');
});

test('Tab completes commands, then paths', async () => {
  const source = {
    childrenOf: async (path: string) => (path === '/a' ? ['y2', 'x', 'y1'] : ['a', 'b']),
  };
  const complete = (line: string) => completeLine(source, line);
  assert.deepEqual(await complete('pri'), [['printwatches'], 'pri']);
  assert.deepEqual(await complete('get /a/y'), [['/a/y1', '/a/y2'], '/a/y']);
  assert.deepEqual(await complete('ls /'), [['/a', '/b'], '/']);
  assert.deepEqual(await complete('create x'), [[], 'x']);
});
