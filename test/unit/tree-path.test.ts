import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf, parentOf, validatePath } from '../../node/core/tree/path.ts';

for (const path of [
  '/',
  '/a',
  '/a/b',
  '/a.b',
  '/...',
  '/a..',
  '/..a',
  '/ ',
  '/é',
  '/a/b c/d',
  '/\ufeff',
]) {
  test(`${JSON.stringify(path)} is a path`, () => {
    assert.equal(validatePath(path, false), null);
  });
}

const BAD = [
  '',
  'a',
  'a/b',
  '/a/',
  '//',
  '/a//b',
  '/.',
  '/..',
  '/a/./b',
  '/a/../b',
  '/a/.',
  '/./a',
];
const BAD_UNITS = ['\0', '\u0001', '\u001f', '\u007f', '\u009f', '\ud800', '\udfff', '\uf8ff'];
for (const path of [...BAD, ...BAD_UNITS.map((unit) => `/a${unit}`), '/\ufff0', '/\uffff']) {
  test(`${JSON.stringify(path)} is no path`, () => {
    assert.notEqual(validatePath(path, false), null);
  });
}

test('a sequential path may end with a slash or a dot, as its suffix follows', () => {
  assert.equal(validatePath('/queue/', true), null);
  assert.equal(validatePath('/queue/.', true), null);
  assert.notEqual(validatePath('/queue//', true), null);
});

test('a path names its parent and itself', () => {
  assert.deepEqual([parentOf('/a/b'), nameOf('/a/b')], ['/a', 'b']);
  assert.deepEqual([parentOf('/a'), nameOf('/a')], ['/', 'a']);
  assert.deepEqual([parentOf('/'), nameOf('/')], ['/', '']);
});
