/**
 * Quorum verifiers against an oracle that counts the slow way, over every subset of up to seven
 * servers, and the property that everything rests on: two quorums always meet.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvariantError } from '../../node/core/invariant.ts';
import {
  createQuorumVerifier,
  findDisjointQuorums,
  HierarchicalVerifier,
  MajorityVerifier,
  type QuorumLayout,
  type QuorumVerifier,
} from '../../node/core/zab/quorum-verifier.ts';

const NONE: ReadonlyMap<number, never> = new Map<number, never>();

function majority(participants: number[], observers: number[] = []): QuorumVerifier {
  return createQuorumVerifier({ version: 0, participants, observers, groups: NONE, weights: NONE });
}

function hierarchy(groups: number[][], weights: Record<number, number> = {}): QuorumLayout {
  return {
    version: 7,
    participants: groups.flat(),
    observers: [90],
    groups: new Map(groups.map((members, index) => [index + 1, members])),
    weights: new Map(Object.entries(weights).map(([sid, weight]) => [Number(sid), weight])),
  };
}

function subsets(sids: readonly number[]): Set<number>[] {
  return sids.reduce<Set<number>[]>(
    (sets, sid) => sets.flatMap((set) => [set, new Set([...set, sid])]),
    [new Set()],
  );
}

/** Follows the words of the definition, with fractions instead of doubled integers. */
function oracle(groups: number[][], weights: Record<number, number>, set: Set<number>): boolean {
  const weigh = (sids: number[]): number => sids.reduce((sum, sid) => sum + (weights[sid] ?? 1), 0);
  const counting = groups.filter((group) => weigh(group) > 0);
  const won = counting.filter((group) => {
    return weigh(group.filter((sid) => set.has(sid))) / weigh(group) > 0.5;
  });
  return won.length / counting.length > 0.5;
}

describe('majority', () => {
  it('is more than half of the participants, for every subset of up to 7', () => {
    for (let n = 1; n <= 7; n++) {
      const sids = Array.from({ length: n }, (_, index) => index * 3 + 1);
      const verifier = majority(sids);
      for (const set of subsets(sids)) {
        assert.equal(verifier.containsQuorum(set), set.size >= Math.floor(n / 2) + 1, `${n}`);
      }
      assert.equal(findDisjointQuorums(verifier), undefined);
    }
  });

  it('counts participants only', () => {
    const verifier = majority([1, 2, 3], [4, 5]);
    assert.equal(verifier.containsQuorum(new Set([1, 4, 5, 99])), false);
    assert.equal(verifier.containsQuorum(new Set([1, 4, 2])), true);
    assert.deepEqual(
      [1, 4, 99].map((sid) => verifier.weightOf(sid)),
      [1, 0, 0],
    );
    assert.deepEqual(
      [1, 4, 99].map((sid) => verifier.isParticipant(sid)),
      [true, false, false],
    );
    assert.deepEqual([...verifier.observers], [4, 5]);
  });

  it('refuses an ensemble without participants and a server with two roles', () => {
    assert.throws(() => majority([]), InvariantError);
    assert.throws(() => majority([1, 2], [2]), InvariantError);
  });
});

describe('hierarchical', () => {
  const layouts: Array<[number[][], Record<number, number>]> = [
    [[[1, 2, 3]], {}],
    [
      [
        [1, 2],
        [3, 4],
      ],
      {},
    ],
    [
      [
        [1, 2, 3],
        [4, 5],
        [6, 7],
      ],
      {},
    ],
    [[[1, 2, 3], [4, 5, 6], [7]], { 7: 0 }],
    [
      [
        [1, 2, 3],
        [4, 5, 6, 7],
      ],
      { 1: 3, 5: 2, 6: 0 },
    ],
    [[[1], [2], [3], [4], [5]], { 2: 5 }],
  ];

  it('is a majority of weight in a majority of the groups with weight, for every subset', () => {
    for (const [groups, weights] of layouts) {
      const verifier = createQuorumVerifier(hierarchy(groups, weights));
      for (const set of subsets(groups.flat())) {
        const what = JSON.stringify([groups, weights, [...set]]);
        assert.equal(verifier.containsQuorum(set), oracle(groups, weights, set), what);
        assert.equal(
          verifier.containsQuorum(new Set([...set, 90, 99])),
          verifier.containsQuorum(set),
        );
      }
      assert.equal(findDisjointQuorums(verifier), undefined);
    }
  });

  it('needs 4 of 9 servers in 3 groups of 3', () => {
    const verifier = createQuorumVerifier(
      hierarchy([
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ]),
    );
    assert.equal(verifier.containsQuorum(new Set([1, 2, 4, 5])), true);
    assert.equal(verifier.containsQuorum(new Set([1, 2, 3, 4, 7])), false);
    assert.equal(verifier.version, 7);
  });

  it('gives 1 where no weight is set, 0 to those who cannot lead', () => {
    const verifier = createQuorumVerifier(hierarchy([[1, 2, 3]], { 1: 4, 2: 0 }));
    assert.deepEqual(
      [1, 2, 3, 90].map((sid) => verifier.weightOf(sid)),
      [4, 0, 1, 0],
    );
  });

  it('refuses groups that do not cover the participants exactly once', () => {
    const layout = hierarchy([[1, 2], [3]]);
    const wrong: Partial<QuorumLayout>[] = [
      { groups: new Map([[1, [1, 2]]]) },
      {
        groups: new Map([
          [1, [1, 2, 3]],
          [2, [3]],
        ]),
      },
      { groups: new Map([[1, [1, 2, 3, 90]]]) },
      {
        weights: new Map([
          [1, 0],
          [2, 0],
          [3, 0],
        ]),
      },
      { weights: new Map([[1, -1]]) },
    ];
    for (const change of wrong) {
      assert.throws(() => new HierarchicalVerifier({ ...layout, ...change }), InvariantError);
    }
  });
});

describe('the self-check', () => {
  it('finds the split of a verifier that is content with half', () => {
    class HalfVerifier extends MajorityVerifier {
      override containsQuorum(sids: ReadonlySet<number>): boolean {
        return sids.size * 2 >= this.participants.size;
      }
    }
    const half = new HalfVerifier({ version: 0, participants: [1, 2, 3, 4], observers: [] });
    assert.equal(findDisjointQuorums(half)?.size, 2);
  });
});
