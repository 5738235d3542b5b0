import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHostPort, parseConnectString } from '../../node/client/connect-string.ts';

test('hosts keep their order, ports default to 2181, blanks are ignored', () => {
  assert.deepEqual(parseConnectString('a:1, b ,c:65535,'), {
    hosts: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2181 },
      { host: 'c', port: 65_535 },
    ],
    chroot: '',
  });
});

test('an IPv6 address stands in brackets', () => {
  const { hosts } = parseConnectString('[::1]:2182,[fe80::1]');
  assert.deepEqual(hosts, [
    { host: '::1', port: 2182 },
    { host: 'fe80::1', port: 2181 },
  ]);
  assert.deepEqual(hosts.map(formatHostPort), ['[::1]:2182', '[fe80::1]:2181']);
  assert.equal(formatHostPort({ host: 'pi', port: 1 }), 'pi:1');
});

test('what follows the first slash is the chroot, and / is none', () => {
  assert.equal(parseConnectString('a:1,b:2/app/x').chroot, '/app/x');
  assert.equal(parseConnectString('a:1/').chroot, '');
  assert.equal(parseConnectString('[::1]:1/app').chroot, '/app');
});

for (const [text, message] of [
  ['', /names no server/],
  [' , /x', /names no server/],
  [':2181', /no host name/],
  ['a:0', /port must be a number from 1/],
  ['a:65536', /port must be a number from 1/],
  ['a:', /port must be a number from 1/],
  ['a:2x', /port must be a number from 1/],
  ['[::1]:x', /port must be a number from 1/],
  ['::1', /write an IPv6 address as \[::1\]:2181/],
  ['[::1', /write an IPv6 address/],
  ['a:1/x/', /chroot '\/x\/': Path must not end/],
  ['a:1//x', /chroot '\/\/x': Invalid path string/],
] as const) {
  test(`'${text}' is refused with a remedy`, () => {
    assert.throws(() => parseConnectString(text), { message });
  });
}
