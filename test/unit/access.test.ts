import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import { checkAcl, fixupAcl, maskDigest } from '../../node/core/tree/access.ts';
import { type Acl, ANYONE, Perms } from '../../node/core/tree/acl.ts';
import { isIpExpression, matchesIp } from '../../node/core/tree/ip-match.ts';

function entry(scheme: string, id: string, perms: number = Perms.all): Acl {
  return { perms, id: { scheme, id } };
}

const HOST = { scheme: 'ip', id: '10.1.2.3' };
const ANN = { scheme: 'digest', id: 'ann:hash' };

test('world:anyone admits everybody to what the entry permits', () => {
  const acl = [entry('world', 'anyone', Perms.read)];
  assert.equal(checkAcl(acl, Perms.read, [HOST]), true);
  assert.equal(checkAcl(acl, Perms.write, [HOST]), false);
  assert.equal(checkAcl(acl, Perms.read, []), true);
});

test('one of several wanted permissions is enough', () => {
  const acl = [entry('world', 'anyone', Perms.admin)];
  assert.equal(checkAcl(acl, Perms.read | Perms.admin, [HOST]), true);
});

test('a digest id matches as a whole', () => {
  const acl = [entry('digest', 'ann:hash')];
  assert.equal(checkAcl(acl, Perms.read, [HOST, ANN]), true);
  assert.equal(checkAcl(acl, Perms.read, [{ scheme: 'digest', id: 'ann:other' }]), false);
  assert.equal(checkAcl(acl, Perms.read, [{ scheme: 'x509', id: 'ann:hash' }]), false);
});

test('permissions of several matching entries add up', () => {
  const acl = [entry('digest', 'ann:hash', Perms.read), entry('ip', '10.1.2.3', Perms.write)];
  assert.equal(checkAcl(acl, Perms.write, [HOST, ANN]), true);
  assert.equal(checkAcl(acl, Perms.delete, [HOST, ANN]), false);
});

test('super passes every list', () => {
  const acl = [entry('digest', 'ann:hash', Perms.read)];
  assert.equal(checkAcl(acl, Perms.admin, [HOST, { scheme: 'super', id: '' }]), true);
});

test('an empty list forbids nothing', () => {
  assert.equal(checkAcl([], Perms.write, []), true);
});

const IP_CASES: readonly (readonly [string, string, boolean])[] = [
  ['10.1.2.3', '10.1.2.3', true],
  ['10.1.2.3', '10.1.2.4', false],
  ['10.1.2.3', '10.1.0.0/16', true],
  ['10.2.2.3', '10.1.0.0/16', false],
  ['10.1.2.3', '10.1.2.1/31', false],
  ['10.1.2.3', '10.1.2.2/31', true],
  ['10.1.2.3', '0.0.0.0/0', true],
  ['::ffff:10.1.2.3', '10.1.0.0/16', true],
  ['fe80::1', 'fe80:0:0:0:0:0:0:1', true],
  ['fe80::1%eth0', 'fe80::/10', true],
  ['2001:db8::1', 'fe80::/10', false],
  ['2001:db8:1:2::9', '2001:db8:1::/48', true],
  ['2001:db8:2:2::9', '2001:db8:1::/48', false],
  ['::1', '127.0.0.1', false],
  ['nonsense', '0.0.0.0/0', false],
];
for (const [address, expression, expected] of IP_CASES) {
  test(`address ${address} is ${expected ? '' : 'not '}in ${expression}`, () => {
    assert.equal(matchesIp(address, expression), expected);
  });
}

const BAD_IPS = ['', '10.1.2', '10.1.2.256', '10.1.2.3/33', '10.1.2.3/', '10.1.2.3/-1', ':::'];
for (const text of [
  ...BAD_IPS,
  '1:2:3',
  '::1/129',
  '1::2::3',
  '1:2:3:4:5:6:7:8:9',
  'g::1',
  '1:2:3:4:5:6:7::8',
]) {
  test(`${JSON.stringify(text)} is no address`, () => {
    // Eight groups leave nothing for `::` to stand for.
    assert.equal(isIpExpression(text), false);
  });
}

test('a list is stored as it is when it is valid', () => {
  const acl = [entry('world', 'anyone'), entry('ip', '10.0.0.0/8'), entry('digest', 'a:b')];
  assert.deepEqual(fixupAcl(acl, [HOST]), acl);
});

test('equal entries are stored once', () => {
  const acl = [entry('world', 'anyone'), entry('ip', '::1'), entry('world', 'anyone')];
  assert.deepEqual(fixupAcl(acl, [HOST]), acl.slice(0, 2));
});

test('auth becomes the ids that the connection has proven', () => {
  const bob = { scheme: 'digest', id: 'bob:hash' };
  assert.deepEqual(fixupAcl([entry('auth', '', Perms.read)], [HOST, ANN, ANYONE, bob]), [
    { perms: Perms.read, id: ANN },
    { perms: Perms.read, id: bob },
  ]);
});

const INVALID: Readonly<Record<string, readonly Acl[] | null>> = {
  'that is null': null,
  'that is empty': [],
  'with auth where nothing is proven': [entry('auth', '')],
  'with an unknown scheme': [entry('world', 'anyone'), entry('kerberos', 'x')],
  'with somebody else in the world': [entry('world', 'ann')],
  'with a digest without a hash': [entry('digest', 'ann')],
  'with a digest with an empty hash': [entry('digest', 'ann:')],
  'with a digest of three parts': [entry('digest', 'ann:b:c')],
  'with an address that is none': [entry('ip', '10.0.0')],
  'with super': [entry('super', 'x')],
};
for (const [what, acl] of Object.entries(INVALID)) {
  test(`a list ${what} is invalid`, () => {
    assert.equal(fixupAcl(acl, [HOST, { scheme: 'super', id: '' }]), ErrorCode.invalidAcl);
  });
}

test('hashes are masked and other ids are not', () => {
  assert.deepEqual(maskDigest([entry('digest', 'ann:hash', 3), entry('ip', '::1', 1)]), [
    entry('digest', 'ann:x', 3),
    entry('ip', '::1', 1),
  ]);
});
