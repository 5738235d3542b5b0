import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_SESSION, SessionId } from '../../node/core/session-id.ts';
import {
  type ConnectRequest,
  decodeConnectRequest,
  decodeConnectResponse,
  encodeConnectRefusal,
  encodeConnectRequest,
  encodeConnectResponse,
} from '../../node/jute/connect.ts';
import { assertCutsRefused, hex } from '../helpers/jute.ts';

/** What kazoo and the Java client send for a new session. */
const NEW_SESSION = hex(`0000002d 00000000 0000000000000000 00002710 0000000000000000
  00000010 00000000000000000000000000000000 00`);

const REQUEST: ConnectRequest = {
  protocolVersion: 0,
  lastZxidSeen: 0x0000_0003_0000_0007,
  timeoutMs: 6000,
  session: new SessionId(0x02000001, -2),
  password: Buffer.from('0123456789abcdef'),
  readOnly: true,
  hasReadOnly: true,
};

describe('connect', () => {
  it('decodes a request for a new session', () => {
    const request = decodeConnectRequest(NEW_SESSION.subarray(4));
    assert.deepEqual(request, {
      protocolVersion: 0,
      lastZxidSeen: 0,
      timeoutMs: 10_000,
      session: NO_SESSION,
      password: Buffer.alloc(16),
      readOnly: false,
      hasReadOnly: true,
    });
    assert.deepEqual(encodeConnectRequest(request), NEW_SESSION);
  });

  it('carries every field of a request there and back', () => {
    const old = { ...REQUEST, readOnly: false, hasReadOnly: false };
    const bare = { ...old, password: null };
    for (const request of [REQUEST, old, bare]) {
      const frame = encodeConnectRequest(request);
      assert.equal(frame.readInt32BE(), frame.length - 4);
      assert.deepEqual(decodeConnectRequest(frame.subarray(4)), request);
    }
    assert.equal(encodeConnectRequest(REQUEST).length, 4 + 45);
    assert.equal(encodeConnectRequest(old).length, 4 + 44);
  });

  it('refuses a request cut anywhere but before readOnly', () => {
    const frame = encodeConnectRequest(REQUEST).subarray(4);
    assertCutsRefused(frame, decodeConnectRequest, [44]);
    const cut = decodeConnectRequest(frame.subarray(0, 44));
    assert.deepEqual(cut, { ...REQUEST, readOnly: false, hasReadOnly: false });
  });

  it('encodes a response byte for byte', () => {
    const response = {
      timeoutMs: 10_000,
      session: new SessionId(0x01000001, 0x02),
      password: hex('000102030405060708090a0b0c0d0e0f'),
      readOnly: false,
      hasReadOnly: true,
    };
    const frame = encodeConnectResponse(response);
    assert.deepEqual(
      frame,
      hex(`00000025 00000000 00002710 0100000100000002
           00000010 000102030405060708090a0b0c0d0e0f 00`),
    );
    assert.deepEqual(decodeConnectResponse(frame.subarray(4)), response);
    assertCutsRefused(frame.subarray(4), decodeConnectResponse, [36]);
    const old = { ...response, hasReadOnly: false };
    assert.equal(encodeConnectResponse(old).readInt32BE(), 36);
    assert.deepEqual(decodeConnectResponse(encodeConnectResponse(old).subarray(4)), old);
  });

  it('refuses a session with timeout 0, session 0 and a password of zeros', () => {
    const zeros = '00000000 00000000 0000000000000000 00000010 00000000000000000000000000000000';
    assert.deepEqual(encodeConnectRefusal(true), hex(`00000025 ${zeros} 00`));
    assert.deepEqual(encodeConnectRefusal(false), hex(`00000024 ${zeros}`));
  });
});
