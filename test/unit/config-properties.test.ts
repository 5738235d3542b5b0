/**
 * The syntax of zoo.cfg against what java.util.Properties makes of the same text.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeProperties, parseProperties } from '../../node/runtime/config/properties.ts';

function read(text: string): Array<[string, string, number]> {
  const { entries, problems } = parseProperties(text);
  assert.deepEqual(problems, []);
  return entries.map(({ key, value, line }) => [key, value, line]);
}

describe('java.util.Properties syntax', () => {
  it('takes =, : and white space as separators, once', () => {
    assert.deepEqual(read('a=1\nb:2\nc 3\nd\t=\f4\ne = : 5\nf\ng='), [
      ['a', '1', 1],
      ['b', '2', 2],
      ['c', '3', 3],
      ['d', '4', 4],
      ['e', ': 5', 5],
      ['f', '', 6],
      ['g', '', 7],
    ]);
  });

  it('keeps separators in values', () => {
    const [entry] = read('server.1=host:2888:3888:participant;2181');
    assert.deepEqual(entry, ['server.1', 'host:2888:3888:participant;2181', 1]);
  });

  it('skips comments and blank lines, and counts them', () => {
    assert.deepEqual(read('# one\n\n  ! two \\\n \t\na=1 # no comment\n'), [
      ['a', '1 # no comment', 5],
    ]);
  });

  it('ends lines at LF, CR and CRLF alike', () => {
    assert.deepEqual(read('a=1\r\nb=2\rc=3\n'), [
      ['a', '1', 1],
      ['b', '2', 2],
      ['c', '3', 3],
    ]);
  });

  it('joins lines that end in an odd number of backslashes', () => {
    assert.deepEqual(read('a=1,\\\n   2,\\\r\n\t3\nb=x\\\\\nc=y\\\\\\\nz\nd=end\\'), [
      ['a', '1,2,3', 1],
      ['b', 'x\\', 4],
      ['c', 'y\\z', 5],
      ['d', 'end', 7],
    ]);
  });

  it('ends a continued line at an empty one, and does not see a comment in it', () => {
    assert.deepEqual(read('a=1\\\n\nb=2\nc=3\\\n# 4'), [
      ['a', '1', 1],
      ['b', '2', 3],
      ['c', '3# 4', 4],
    ]);
  });

  it('undoes escapes in keys and values', () => {
    assert.deepEqual(read('a\\=b\\:c\\ d=|\\t|\\n|\\r|\\f|\\q|\\\\|\\u00e9\\u20AC|'), [
      ['a=b:c d', '|\t|\n|\r|\f|q|\\|é€|', 1],
    ]);
  });

  it('trims what surrounds a value, as ZooKeeper does', () => {
    assert.deepEqual(read('  dataDir =  /var/lib/x  \t\n'), [['dataDir', '/var/lib/x', 1]]);
  });

  it('keeps repeated keys in order, for the reader to judge', () => {
    assert.deepEqual(read('a=1\na=2'), [
      ['a', '1', 1],
      ['a', '2', 2],
    ]);
  });

  it('names the line of a malformed \\u escape and goes on', () => {
    const { entries, problems } = parseProperties('a=1\ndataDir=C:\\users\\pi\nb=2');
    assert.deepEqual(
      entries.map(({ key }) => key),
      ['a', 'b'],
    );
    assert.deepEqual(
      problems.map(({ key, line }) => [key, line]),
      [['dataDir', 2]],
    );
    assert.match(problems[0]?.message ?? '', /four hexadecimal digits/);
  });

  it('remembers how a value was written', () => {
    const [entry] = parseProperties('dataDir=\\tmp\\zookeeper').entries;
    assert.equal(entry?.value, 'mpzookeeper');
    assert.equal(entry?.rawValue, '\\tmp\\zookeeper');
  });
});

describe('encoding', () => {
  it('is UTF-8 where the bytes are, else Latin-1', () => {
    assert.equal(decodeProperties(Buffer.from('d=/größe', 'utf8')), 'd=/größe');
    assert.equal(decodeProperties(Buffer.from('d=/größe', 'latin1')), 'd=/größe');
  });
});
