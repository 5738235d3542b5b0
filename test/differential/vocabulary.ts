/** What the random requests are put together from: few enough names that they meet each other. */
import type { Prng } from '../../node/core/prng.ts';
import type { AclEntry, Field } from './fields.ts';

export const TOP = '/t';
export const CONFIG_PATH = '/zookeeper/config';
/** `super:secret` as it stands in the servers' configuration. */
export const SUPER_DIGEST = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=';

const NAMES = ['a', 'b', 'ü', '漢 字'];
const DEPTHS = [1, 1, 1, 2, 2, 3];
const SPECIAL_PATHS = ['/', '/zookeeper', '/zookeeper/quota', CONFIG_PATH, TOP];
const BAD_PATHS = [
  ...['', 'a', 't/a', '//', '/t/', '/t//a', '/t/a/', '/t/.', '/t/..', '/t/./a', '/t/../a', '/..'],
  ...['/t/\0', '/t/a\u0001', '/t/\u001f', '/t/\u007f', '/t/\u009f', '/t/\ud7ff', '/t/\ue000'],
  ...['/t/\uf8ff', '/t/\uf900', '/t/\uffef', '/t/\ufff0', '/t/\uffff', '/t/😀', '/t/...', '/t/ '],
];
const OPEN: readonly AclEntry[] = [[31, 'world', 'anyone']];
const BOB = 'bob:ikIaKsbtGweaHnb/jKn7OHqbunM=';
const EVE = 'eve:tPVS62yQF/M0lNvU6mzotOuRJxo=';

const LISTS: readonly (readonly AclEntry[])[] = [
  [[1, 'world', 'anyone']],
  [[31, 'auth', '']],
  [[31, 'auth', 'whoever']],
  [
    [1, 'world', 'anyone'],
    [31, 'auth', ''],
  ],
  [[31, 'digest', BOB]],
  [
    [5, 'digest', EVE],
    [27, 'digest', BOB],
  ],
  [
    [31, 'digest', EVE],
    [16, 'world', 'anyone'],
  ],
  [[31, 'ip', '127.0.0.1']],
  [[31, 'ip', '127.0.0.0/8']],
  [[31, 'ip', '10.1.2.3/16']],
  [[9, 'ip', '127.0.0.1/31']],
  [
    [31, 'world', 'anyone'],
    [31, 'world', 'anyone'],
    [1, 'world', 'anyone'],
  ],
  [[30, 'world', 'anyone']],
  [[15, 'world', 'anyone']],
  [[29, 'world', 'anyone']],
  [[23, 'world', 'anyone']],
  [[0, 'world', 'anyone']],
  [[64, 'world', 'anyone']],
];

const READABLE_LISTS = LISTS.filter((list) =>
  list.some(([perms, scheme]) => scheme === 'world' && (perms & 1) !== 0),
);

const BAD_LISTS: readonly (readonly AclEntry[] | null)[] = [
  [],
  null,
  [[31, 'nobody', 'x']],
  [[31, '', '']],
  [[31, 'world', 'someone']],
  [[31, 'world', '']],
  [[31, 'digest', 'nocolon']],
  [[31, 'digest', 'a:b:c']],
  [[31, 'digest', '']],
  [[31, 'digest', ':']],
  [[31, 'digest', 'bob:']],
  [[31, 'digest', ':hash']],
  [[31, 'ip', '']],
  [[31, 'ip', '1.2.3']],
  [[31, 'ip', '127.0.0.1/33']],
  [[31, 'ip', '127.0.0.1/-1']],
  [[31, 'ip', '127.0.0.256']],
  [[31, 'ip', '127.0.0.1/']],
  [[31, 'ip', '127.0.0.1/8/8']],
  [[31, 'ip', 'localhost']],
  [[31, 'super', '']],
  [[31, 'sasl', 'x']],
  [[31, 'x509', 'CN=x']],
  [
    [31, 'world', 'anyone'],
    [31, 'nobody', 'x'],
  ],
];

/** Scheme and what is sent with it, as text or null. */
export const GOOD_AUTH: ReadonlyArray<readonly [string, string | null]> = [
  ['digest', 'bob:pw'],
  ['digest', 'eve:pw'],
  ['digest', 'bob:wrong'],
];
export const ODD_AUTH: ReadonlyArray<readonly [string, string | null]> = [
  ['digest', 'super:secret'],
  ['digest', 'nocolon'],
  ['digest', 'a:b:c'],
  ['digest', ''],
  ['ip', 'x'],
  ['ip', null],
  ['nobody', 'x'],
  ['', ''],
  ['world', 'anyone'],
  ['auth', ''],
  ['super', ''],
  ['x509', 'x'],
];

export function path(prng: Prng): string {
  if (prng.oneIn(25)) return prng.pick(BAD_PATHS);
  if (prng.oneIn(20)) return prng.pick(SPECIAL_PATHS);
  let result = TOP;
  for (let depth = prng.pick(DEPTHS); depth > 0; depth -= 1) result += `/${prng.pick(NAMES)}`;
  // Now and then the name that a sequential create has chosen.
  return prng.oneIn(6) ? `${result}000000000${prng.below(8)}` : result;
}

/** The empty path is another name of the root in ZooKeeper, for those who read. */
export function namedPath(prng: Prng): string {
  return path(prng) || TOP;
}

/** ZooKeeper trips over a watch on a path that does not begin with a slash. */
export function rootedPath(prng: Prng): string {
  const at = path(prng);
  return at.startsWith('/') ? at : TOP;
}

export type WatchMode = 'standard' | 'persistent' | 'recursive';

/** Before 3.9 the last watch on a path replaces the session's others: each path has one mode. */
export function watchModeOf(at: string): WatchMode {
  return (['standard', 'standard', 'persistent', 'recursive'] as const)[hash(at) % 4] ?? 'standard';
}

export function watchPath(prng: Prng, mode: WatchMode): string {
  for (;;) {
    const at = rootedPath(prng);
    if (watchModeOf(at) === mode) return at;
  }
}

/** A znode of the quota tree. */
export function quotaPath(prng: Prng): string {
  let result = `/zookeeper/quota${TOP}`;
  for (let depth = prng.pick([0, 0, 1, 2]); depth > 0; depth -= 1) {
    result += `/${prng.pick(NAMES.slice(0, 2))}`;
  }
  return `${result}${prng.pick(['', '/zookeeper_limits', '/zookeeper_stats'])}`;
}

/** Limits, or stats, which have no limits. */
export function quotaText(prng: Prng, at: string): string {
  const number = (): number => prng.pick([-1, 0, 1, 2, 3, 5, 8, 13, 100]);
  const kind = prng.below(at.endsWith('/zookeeper_stats') ? 2 : 4);
  if (kind === 0) return 'count=0,bytes=0';
  const soft = `count=${number()},bytes=${number()}`;
  switch (kind) {
    case 1:
      return soft;
    case 2:
      return `${soft}=;byteHardLimit=${number()};countHardLimit=${number()}`;
    default:
      return `${soft}=;countHardLimit=${number()}`;
  }
}

export function data(prng: Prng): Field {
  switch (prng.below(8)) {
    case 0:
      return ['bytes', null];
    case 1:
      return ['bytes', ''];
    case 2:
      return [
        'bytes',
        Buffer.from(prng.bytes(prng.below(prng.oneIn(10) ? 5000 : 20))).toString('hex'),
      ];
    default:
      return text(`v${prng.below(1000)}`);
  }
}

export function text(value: string): Field {
  return ['bytes', Buffer.from(value, 'utf8').toString('hex')];
}

/** Mostly open, so that the tree stays alive. */
export function acl(prng: Prng, at: string): Field {
  if (prng.oneIn(12)) return ['acl', prng.pick(BAD_LISTS)];
  if (!prng.oneIn(3)) return ['acl', OPEN];
  return ['acl', prng.pick(mayHide(at) ? LISTS : READABLE_LISTS)];
}

/** Whether lists that forbid reading are ever put on the znode `at`. */
export function mayHide(at: string): boolean {
  return hash(at.replace(/\d{10}$/, '')) % 3 === 0;
}

function hash(value: string): number {
  let sum = 0;
  for (let i = 0; i < value.length; i += 1) sum = (sum * 31 + value.charCodeAt(i)) % 1009;
  return sum;
}

export function version(prng: Prng): Field {
  if (prng.oneIn(20)) return ['int', prng.pick([-2, 2 ** 31 - 1, -(2 ** 31), 100])];
  return ['int', prng.oneIn(2) ? prng.below(4) : -1];
}
