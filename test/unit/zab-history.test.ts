/** A peer's history: contiguous, cut only above what is committed, its window bounded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvariantError } from '../../node/core/invariant.ts';
import { Prng } from '../../node/core/prng.ts';
import {
  History,
  type HistoryEntry,
  isNext,
  type WindowLimits,
} from '../../node/core/zab/history.ts';
import type { Zxid } from '../../node/core/zxid.ts';
import { type DriverOptions, stateOf } from '../helpers/zab-driver.ts';
import { entriesText, entry, parseZxid, zxidText } from '../helpers/zab-text.ts';

function history(options: DriverOptions, limits?: WindowLimits): History {
  return new History(stateOf(options), limits);
}

function z(text: string): Zxid {
  return parseZxid(text);
}

function broken(name: string): (error: unknown) => boolean {
  return (error) => error instanceof InvariantError && error.invariant === name;
}

describe('history', () => {
  it('lets go of large transactions, not only of many', () => {
    const limits = { entriesMax: 100, bytesMax: 1000 };
    const large = history({}, limits);
    for (let counter = 1; counter <= 200; counter += 1) {
      const zxid = z(`1.${counter}`);
      large.append({ zxid, txn: new Uint8Array(400) });
      large.commitTo(zxid);
      assert.ok(large.heldBytes <= 2 * limits.bytesMax + 400, `${large.heldBytes} bytes`);
    }
    assert.equal(large.last, z('1.200'));
    assert.equal(large.entriesAfter(z('1.199')).length, 1);
  });

  it('takes the next counter of an epoch or the first of a later one', () => {
    const cases: ReadonlyArray<readonly [string, string, boolean]> = [
      ['0.0', '1.1', true],
      ['1.1', '1.2', true],
      ['1.1', '1.3', false],
      ['1.1', '1.1', false],
      ['1.2', '1.1', false],
      ['1.7', '2.1', true],
      ['1.7', '5.1', true],
      ['1.7', '2.2', false],
      ['1.7', '2.0', false],
      ['2.1', '1.2', false],
      // A snapshot taken where an epoch begins.
      ['2.0', '2.1', true],
    ];
    for (const [last, next, expected] of cases) {
      assert.equal(isNext(z(last), z(next)), expected, `${next} after ${last}`);
    }
    const one = history({ log: '1.1-2' });
    assert.throws(() => one.append(entry('1.4')), broken('history is contiguous'));
  });

  it('ends with its last transaction, or with the snapshot it begins with', () => {
    assert.equal(zxidText(history({}).last), '0.0');
    assert.equal(zxidText(history({ base: '3.7' }).last), '3.7');
    assert.equal(zxidText(history({ base: '3.7', log: '3.8 4.1-2' }).last), '4.2');
  });

  it('knows what it contains', () => {
    const one = history({ base: '1.2', log: '1.3-4 3.1' });
    const held = ['1.2', '1.3', '1.4', '3.1'];
    for (const text of ['0.0', '1.1', '1.2', '1.3', '1.4', '1.5', '2.0', '3.0', '3.1', '3.2']) {
      assert.equal(one.contains(z(text)), held.includes(text), text);
    }
    assert.equal(one.contains(-1), false);
    const floors = [z('1.1'), z('1.2'), z('1.9'), z('2.5'), z('9.9')].map((at) => one.floor(at));
    assert.deepEqual(
      floors.map((at) => (at === null ? null : zxidText(at))),
      [null, '1.2', '1.4', '1.4', '3.1'],
    );
  });

  it('gives the entries after a point of its window, and refuses one before it', () => {
    const one = history({ base: '1.2', log: '1.3-4 3.1' });
    assert.equal(entriesText(one.entriesAfter(z('1.2'))), '1.3-4 3.1');
    assert.equal(entriesText(one.entriesAfter(z('2.0'))), '3.1');
    assert.equal(entriesText(one.entriesAfter(z('3.1'))), '');
    const name = 'entries are asked for inside the window';
    assert.throws(() => one.entriesAfter(z('1.1')), broken(name));
  });

  it('commits in order and says once what became so', () => {
    const one = history({ log: '1.1-4', committed: '1.1' });
    assert.equal(one.outstanding, 3);
    assert.equal(one.nextUncommitted?.zxid, z('1.2'));
    assert.equal(entriesText(one.commitTo(z('1.3'))), '1.2-3');
    assert.deepEqual(one.commitTo(z('1.3')), []);
    assert.deepEqual(one.commitTo(z('1.1')), []);
    assert.deepEqual([one.committed, one.confirmed, one.outstanding], [z('1.3'), z('1.3'), 1]);
    assert.equal(entriesText(one.commitTo(z('9.9'))), '1.4');
    assert.equal(zxidText(one.committed), '1.4', 'never beyond what there is');
    assert.equal(one.nextUncommitted, undefined);
  });

  it('truncates to any point above committed, and to no other', () => {
    for (const to of ['1.2', '1.3', '1.4', '2.1', '2.2', '5.0']) {
      const one = history({ log: '1.1-4 2.1-2', committed: '1.2' });
      one.truncateTo(z(to));
      const kept = ['1.1', '1.2', '1.3', '1.4', '2.1', '2.2'].filter((it) => z(it) <= z(to));
      assert.equal(entriesText(one.entriesAfter(0)), entriesText(kept.map((it) => entry(it))), to);
      one.append(entry('7.1'));
      assert.equal(zxidText(one.last), '7.1');
    }
    const one = history({ log: '1.1-4', committed: '1.2' });
    assert.throws(
      () => one.truncateTo(z('1.1')),
      broken('only what is not committed is truncated'),
    );
  });

  it('forgets epochs that began in what is cut away', () => {
    const one = history({ log: '1.1-3 2.1', currentEpoch: 2 });
    one.joinEpoch(3, z('2.1'));
    one.joinEpoch(4, z('2.1'));
    assert.equal(one.baseOfEpoch(4), z('2.1'));
    one.truncateTo(z('1.3'));
    assert.deepEqual([one.baseOfEpoch(3), one.baseOfEpoch(4)], [undefined, undefined]);
    assert.equal(one.currentEpoch, 4, 'what was joined stays joined');
    assert.throws(() => one.joinEpoch(4, z('1.3')), broken('currentEpoch never goes back'));
  });

  it('is replaced as a whole by a snapshot, which is committed but not confirmed', () => {
    const one = history({ log: '1.1-3', committed: '1.2', currentEpoch: 1 });
    one.joinEpoch(2, z('1.3'));
    one.reset(z('2.5'));
    assert.deepEqual([one.last, one.windowBase, one.committed, one.confirmed].map(zxidText), [
      '2.5',
      '2.5',
      '2.5',
      '1.2',
    ]);
    assert.equal(one.baseOfEpoch(2), undefined);
    assert.equal(one.outstanding, 0);
    one.append(entry('2.6'));
    one.confirm();
    assert.deepEqual([one.confirmed, one.outstanding], [z('2.5'), 1]);
  });

  it('keeps a window by count, and never drops what is not committed', () => {
    const one = history({ log: '1.1-9' }, { entriesMax: 3, bytesMax: 1000 });
    assert.equal(zxidText(one.windowBase), '0.0');
    one.commitTo(z('1.4'));
    assert.equal(zxidText(one.windowBase), '1.4');
    assert.equal(entriesText(one.entriesAfter(z('1.4'))), '1.5-9');
    one.commitTo(z('1.9'));
    assert.equal(entriesText(one.entriesAfter(one.windowBase)), '1.7-9');
  });

  it('keeps its window through thousands of transactions', () => {
    const one = history({}, { entriesMax: 100, bytesMax: 1e6 });
    for (let counter = 1; counter <= 5000; counter += 1) {
      one.append(entry(`1.${counter}`));
      if (counter > 3) one.commitTo(z(`1.${counter - 3}`));
    }
    assert.equal(zxidText(one.windowBase), '1.4900');
    assert.equal(entriesText(one.entriesAfter(one.windowBase)), '1.4901-5000');
    assert.equal(entriesText(one.commitTo(z('1.5000'))), '1.4998-5000');
  });

  it('keeps a window by bytes', () => {
    const one = history({ log: '1.1-9', committed: '1.9' }, { entriesMax: 100, bytesMax: 7 });
    assert.equal(entriesText(one.entriesAfter(one.windowBase)), '1.8-9');
  });
});

/** The same operations on a plain array: slow, obvious. */
class Model {
  list: HistoryEntry[] = [];
  committed = 0;

  get last(): Zxid {
    return this.list.at(-1)?.zxid ?? 0;
  }
}

it('history is a plain list of transactions, whatever its window forgets', () => {
  const prng = new Prng(7);
  for (let round = 0; round < 200; round += 1) {
    const limits = { entriesMax: 1 + prng.below(6), bytesMax: 1000 };
    const one = history({}, limits);
    const model = new Model();
    for (let i = 0; i < 60; i += 1) {
      const kind = prng.below(10);
      if (kind < 6) {
        const epoch = Math.max(1, Math.floor(model.last / 2 ** 32));
        const next = prng.oneIn(5) ? (epoch + 1) * 2 ** 32 + 1 : model.last + 1;
        const added = entry(model.list.length === 0 ? z('1.1') : next);
        one.append(added);
        model.list.push(added);
      } else if (kind < 9 && model.list.length > 0) {
        const to = prng.pick(model.list).zxid;
        const newly = model.list.filter((it) => it.zxid > model.committed && it.zxid <= to);
        assert.deepEqual(one.commitTo(to), newly);
        model.committed = Math.max(model.committed, to);
      } else {
        const above = model.list.filter((it) => it.zxid >= model.committed);
        const to = above.length > 0 ? prng.pick(above).zxid : model.committed;
        one.truncateTo(to);
        model.list = model.list.filter((it) => it.zxid <= to);
      }
      const window = model.list.filter((it) => it.zxid > one.windowBase);
      assert.deepEqual(one.entriesAfter(one.windowBase), window);
      assert.equal(one.last, model.last);
      assert.equal(one.committed, model.committed);
      const pending = model.list.filter((it) => it.zxid > model.committed);
      assert.equal(one.outstanding, pending.length);
      assert.equal(one.nextUncommitted?.zxid, pending[0]?.zxid);
      const committed = window.length - pending.length;
      assert.ok(committed <= limits.entriesMax, 'the window is bounded');
      for (const { zxid } of model.list) {
        assert.equal(one.contains(zxid), zxid >= one.windowBase, zxidText(zxid));
      }
    }
  }
});
