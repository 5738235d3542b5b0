/**
 * What a transcript may expect of its lab. An expectation stands whatever the trace says, so that a
 * transcript written anew cannot quietly agree with a bug.
 */
import assert from 'node:assert/strict';
import type { HistoryEntry } from '../../node/core/zab/history.ts';
import type { ZabLab } from './zab-lab.ts';
import { entriesText, entryText, zxidText } from './zab-text.ts';

type Expectation = (lab: ZabLab, wanted: string) => void;

const EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  'one history': oneHistory,
  'two histories': (lab) => assert.notDeepEqual(lab.violations, []),
  leader: (lab, wanted) => assert.equal(sidsWith(lab, 'leading'), wanted),
  followers: (lab, wanted) => assert.equal(sidsWith(lab, 'following'), wanted),
  observers: (lab, wanted) => assert.equal(sidsWith(lab, 'observing'), wanted),
  acknowledged: (lab, wanted) => assert.equal(textOf(lab.acknowledged), wanted),
  lost: (lab, wanted) => assert.equal(textOf(lostIn(lab)), wanted),
  tree: (lab, wanted) => {
    const [sids = '', tree = ''] = wanted.split(' = ');
    for (const sid of sidsOf(sids)) assert.equal(textOf(lab.node(sid).tree), tree, `peer ${sid}`);
  },
  epoch: (lab, wanted) => {
    const [sid = '', epoch = ''] = wanted.split(' = ');
    assert.equal(lab.node(Number(sid)).peer?.epoch, Number(epoch));
  },
  last: (lab, wanted) => {
    const [sids = '', last = ''] = wanted.split(' = ');
    for (const sid of sidsOf(sids)) {
      assert.equal(zxidText(lab.node(sid).peer?.history.last ?? -1), last, `peer ${sid}`);
    }
  },
  halted: (lab, wanted) => {
    const [sid = '', cause = ''] = wanted.split(' = ');
    assert.equal(lab.node(Number(sid)).halted, cause);
  },
};

export function expectThat(lab: ZabLab, rest: string): void {
  for (const [subject, check] of Object.entries(EXPECTATIONS)) {
    if (rest !== subject && !rest.startsWith(`${subject} `)) continue;
    check(lab, rest.slice(subject.length + 1));
    return;
  }
  assert.fail(`nothing is known of "${rest}"`);
}

export function sidsOf(text: string): number[] {
  return text
    .split(/[ ,]+/)
    .filter((word) => word !== '')
    .map(Number);
}

/** No two peers applied different things, all that serve have the same tree, nothing is lost. */
function oneHistory(lab: ZabLab): void {
  assert.deepEqual(lab.violations, []);
  const trees = new Set(served(lab).map((tree) => textOf(tree)));
  assert.equal(trees.size, 1, `trees: ${[...trees].join(' / ')}`);
  assert.equal(textOf(lostIn(lab)), 'nothing');
}

function served(lab: ZabLab): HistoryEntry[][] {
  const serving = [...lab.nodes.values()].filter((node) => node.peer?.isServing === true);
  return serving.map((node) => node.tree);
}

/** Acknowledged, and not in the tree of some peer that serves. */
function lostIn(lab: ZabLab): HistoryEntry[] {
  const trees = served(lab).map((tree) => new Set(tree.map(entryText)));
  return lab.acknowledged.filter((one) => trees.some((tree) => !tree.has(entryText(one))));
}

function sidsWith(lab: ZabLab, role: string): string {
  const nodes = [...lab.nodes.values()].filter((node) => node.peer !== null && node.role === role);
  return nodes.map((node) => node.sid).join(', ') || 'none';
}

function textOf(list: readonly HistoryEntry[]): string {
  return entriesText(list) || 'nothing';
}
