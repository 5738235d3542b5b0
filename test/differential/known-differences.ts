/**
 * Where Picket means to differ from the ZooKeeper it is compared with, each with its reason. Two
 * unlike lines, each what came of one frame, that no rule explains are a failure. What would make
 * the two trees differ is not asked at all.
 */

export interface KnownDifference {
  readonly name: string;
  readonly reason: string;
  /** True when two unlike lines differ by this rule alone. */
  explains(apache: string, picket: string): boolean;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    name: 'event zxid',
    reason:
      'a watch event carries the zxid of its transaction since 3.9 (ZOOKEEPER-4655), -1 before',
    explains: (apache, picket) =>
      apache.startsWith('event ') &&
      apache === picket.replace(/ zxid=z-?\d+ err=0$/, ' zxid=-1 err=0'),
  },
  {
    name: 'order of an expanded ACL',
    reason: "ZooKeeper puts the ids of a connection in place of `auth` in a hash table's order",
    explains: (apache, picket) => withSortedAcl(apache) === withSortedAcl(picket),
  },
  {
    name: 'characters beyond 16 bits',
    reason: 'Java writes them as two surrogates of three bytes each, which is not UTF-8',
    explains: (apache, picket) => apache === withSurrogates(picket),
  },
  {
    name: 'recursive watches counted twice',
    reason: '3.8 puts recursive watches that setWatches2 brings into the table of children too',
    explains: (apache, picket) => numberIn(WATCH_COUNT, picket) < numberIn(WATCH_COUNT, apache),
  },
  {
    name: "somebody else's watch",
    reason: "checkWatches of 3.8 answers for a watch of any session, and for an ancestor's",
    explains: (apache, picket) =>
      apache.startsWith('checkWatches err=0 ') &&
      picket === apache.replace(' err=0 ', ' err=-121 '),
  },
  {
    name: 'existence of what may not be read',
    reason: 'exists asks for READ since 3.9 (ZOOKEEPER-2590)',
    explains: (apache, picket) =>
      /^exists err=0 zxid=\S+ \(/.test(apache) &&
      picket === apache.replace(' err=0 ', ' err=-102 ').replace(/ \(.*/, ''),
  },
];

const WATCH_COUNT = 'zk_watch_count\t';

/** The number behind `label`, or NaN where the line is another. */
function numberIn(label: string, line: string): number {
  return line.startsWith(label) ? Number(line.slice(label.length)) : Number.NaN;
}

/** What is not asked: the servers' ways part over it, so what follows could not be compared. */
export const NOT_ASKED: readonly string[] = [
  'check outside a multi: 3.8 takes it as a write with an empty reply, 3.9 calls it unimplemented',
  'createTTL with another mode and a negative TTL: ZooKeeper accepts it and dies applying it',
  'watcher types 4 and 5: new in 3.9',
  'bytes after a record: ZooKeeper skips them, Picket refuses the request',
  'a null path in sync and in operations on watches: ZooKeeper takes it for one more path',
  'watches of several modes on one path: before 3.9 the last one replaces the others',
  'removing or checking a persistent watch as a data or child watch: 3.8 means any mode',
  'IPv6 addresses in an ACL: new after 3.8',
  'a wrong password while the owner is connected: ZooKeeper hangs up on the owner too',
  'reading the empty path, which is one more name of the root in ZooKeeper',
  'exists with a watch where reading may be forbidden: 3.8 sets the watch, 3.9 does not',
  'limits in the stats of a quota: ZooKeeper carries them along, no tool writes them',
  'watches on paths without a slash in front: 3.8 trips over them when it climbs to the root',
  'requests behind a setACL that is on its way: ZooKeeper still checks the old list',
  'reconfig: Picket refuses it without asking the leader, so it takes no zxid',
  'versions that overflow: 3.10 skips -1 (ZOOKEEPER-4743), and 2^31 changes take too long',
];

function withSortedAcl(line: string): string {
  return line.replace(/\d+:"[^"]*":"[^"]*"(?:,\d+:"[^"]*":"[^"]*")+/, (list) =>
    list
      .split(/,(?=\d+:")/)
      .sort()
      .join(),
  );
}

/** Texts with characters beyond the basic plane as hexadecimal, the way Java writes them. */
function withSurrogates(line: string): string {
  return line.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => {
    const text: string = JSON.parse(quoted);
    if (!/[\ud800-\udfff]/.test(text)) return quoted;
    const units = Array.from({ length: text.length }, (_, i) => bytesOf(text.charCodeAt(i)));
    return Buffer.from(units.flat()).toString('hex');
  });
}

function bytesOf(unit: number): number[] {
  if (unit < 0x80) return [unit];
  if (unit < 0x800) return [0xc0 | (unit >> 6), 0x80 | (unit & 0x3f)];
  return [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)];
}
