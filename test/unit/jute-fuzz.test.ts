/** Bytes that nobody meant, into every decoder: a value or a JuteError, never anything else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Prng } from '../../node/core/prng.ts';
import {
  decodeConnectRequest,
  decodeConnectResponse,
  encodeConnectRefusal,
} from '../../node/jute/connect.ts';
import { JuteError } from '../../node/jute/errors.ts';
import { FrameParser } from '../../node/jute/frame-parser.ts';
import { JuteReader } from '../../node/jute/reader.ts';
import { readAclList, readIds, readStat, readStrings } from '../../node/jute/records.ts';
import { writeMultiReply } from '../../node/jute/replies.ts';
import * as decoder from '../../node/jute/reply-decoder.ts';
import { decodeRequest, encodeRequest } from '../../node/jute/requests.ts';
import { decodeTxn, decodeTxnHeader, encodeTxn } from '../../node/jute/txns.ts';
import { JuteWriter } from '../../node/jute/writer.ts';
import { assertFuzzContained } from '../helpers/jute.ts';
import { HEADER, MULTI_RESULTS, REQUESTS, TXNS } from '../helpers/jute-samples.ts';

const RUNS = 3000;
const writer = new JuteWriter();

describe('fuzzed', () => {
  it('requests of every op code', () => {
    for (const [seed, sample] of REQUESTS.entries()) {
      encodeRequest(writer.reset(), sample);
      const counts = assertFuzzContained(new Prng(seed), RUNS, [writer.take()], (bytes) =>
        decodeRequest(sample.type, new JuteReader(bytes)),
      );
      assert.ok(counts.refused > 0);
    }
  });

  it('transactions', () => {
    const samples = TXNS.map((txn) => encodeTxn(writer, HEADER, txn));
    const counts = assertFuzzContained(new Prng(101), RUNS * 10, samples, decodeTxn);
    assert.ok(counts.refused > 0 && counts.decoded > 0);
    assertFuzzContained(new Prng(102), RUNS, samples, decodeTxnHeader);
  });

  it('handshakes', () => {
    const samples = [encodeConnectRefusal(true).subarray(4)];
    assertFuzzContained(new Prng(103), RUNS, samples, decodeConnectRequest);
    assertFuzzContained(new Prng(104), RUNS, samples, decodeConnectResponse);
  });

  it('replies and records', () => {
    writeMultiReply(writer.reset(), 1, 1, MULTI_RESULTS);
    const samples = [writer.take().subarray(20)];
    const decoders: ((reader: JuteReader) => unknown)[] = [
      decoder.decodeReplyHeader,
      decoder.decodeEmptyReply,
      decoder.decodePathReply,
      decoder.decodeCreate2Reply,
      decoder.decodeStatReply,
      decoder.decodeGetDataReply,
      decoder.decodeGetAclReply,
      decoder.decodeGetChildrenReply,
      decoder.decodeGetChildren2Reply,
      decoder.decodeWatcherEvent,
      decoder.decodeMultiReply,
      readAclList,
      readIds,
      readStat,
      readStrings,
    ];
    for (const [seed, decode] of decoders.entries()) {
      assertFuzzContained(new Prng(200 + seed), RUNS, samples, (bytes) =>
        decode(new JuteReader(bytes)),
      );
    }
  });

  it('streams of frames, without holding more than arrived', () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const prng = new Prng(300 + seed);
      const parser = new FrameParser(64);
      let arrived = 0;
      try {
        for (let i = 0; i < 50; i += 1) {
          const chunk = Buffer.from(prng.bytes(prng.below(40)));
          if (chunk.length >= 4) chunk.writeInt32BE(prng.below(80) - 2, 0);
          arrived += chunk.length;
          parser.push(chunk);
          while (parser.next() !== null) assert.ok(parser.buffered <= arrived);
          assert.ok(parser.buffered < 4 + 64, 'less than one frame is left');
        }
      } catch (error) {
        assert.ok(error instanceof JuteError, String(error));
      }
    }
  });
});
