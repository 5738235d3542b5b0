/**
 * Which sets of servers are a quorum: plain majority, or ZooKeeper's hierarchical quorums (a strict
 * majority of the weight in a strict majority of the groups that have any). Everything Zab promises
 * rests on any two quorums having a member in common; `findDisjointQuorums` checks exactly that.
 * Only participants count, whatever else is in the set that is asked about.
 */
import { invariant } from '../invariant.ts';

export interface QuorumVerifier {
  /** Version of the configuration: a zxid, 0 for a static one. */
  readonly version: number;
  /** The sids that vote. */
  readonly participants: ReadonlySet<number>;
  /** The sids that only learn. */
  readonly observers: ReadonlySet<number>;
  containsQuorum(sids: ReadonlySet<number>): boolean;
  /** 0 for a server that cannot be elected: an observer, a stranger, a participant of weight 0. */
  weightOf(sid: number): number;
  isParticipant(sid: number): boolean;
}

/** What a verifier is made from. `groups` is empty for plain majorities. */
export interface QuorumLayout {
  readonly version: number;
  readonly participants: Iterable<number>;
  readonly observers: Iterable<number>;
  readonly groups: ReadonlyMap<number, readonly number[]>;
  readonly weights: ReadonlyMap<number, number>;
}

export function createQuorumVerifier(layout: QuorumLayout): QuorumVerifier {
  return layout.groups.size === 0 ? new MajorityVerifier(layout) : new HierarchicalVerifier(layout);
}

export class MajorityVerifier implements QuorumVerifier {
  readonly version: number;
  readonly participants: ReadonlySet<number>;
  readonly observers: ReadonlySet<number>;

  constructor(layout: Pick<QuorumLayout, 'version' | 'participants' | 'observers'>) {
    this.version = layout.version;
    this.participants = new Set(layout.participants);
    this.observers = new Set(layout.observers);
    checkMembers(this.participants, this.observers);
  }

  containsQuorum(sids: ReadonlySet<number>): boolean {
    let votes = 0;
    for (const sid of sids) if (this.participants.has(sid)) votes++;
    return votes * 2 > this.participants.size;
  }

  weightOf(sid: number): number {
    return this.participants.has(sid) ? 1 : 0;
  }

  isParticipant(sid: number): boolean {
    return this.participants.has(sid);
  }
}

interface Group {
  readonly members: readonly number[];
  readonly weight: number;
}

export class HierarchicalVerifier implements QuorumVerifier {
  readonly version: number;
  readonly participants: ReadonlySet<number>;
  readonly observers: ReadonlySet<number>;
  readonly #weights: ReadonlyMap<number, number>;
  /** Groups of weight 0 are not here: they neither give a quorum nor stand in the way of one. */
  readonly #groups: readonly Group[];

  constructor(layout: QuorumLayout) {
    this.version = layout.version;
    this.participants = new Set(layout.participants);
    this.observers = new Set(layout.observers);
    checkMembers(this.participants, this.observers);
    checkGroups(layout.groups, this.participants);
    const weights = new Map<number, number>();
    for (const sid of this.participants) {
      const weight = layout.weights.get(sid) ?? 1;
      invariant(Number.isSafeInteger(weight) && weight >= 0, 'a weight is 0 or more', {
        sid,
        weight,
      });
      weights.set(sid, weight);
    }
    this.#weights = weights;
    this.#groups = [...layout.groups.values()]
      .map((members) => ({ members, weight: this.#weightIn(members, this.participants) }))
      .filter((group) => group.weight > 0);
    invariant(this.#groups.length > 0, 'some group has weight', {});
  }

  containsQuorum(sids: ReadonlySet<number>): boolean {
    let won = 0;
    for (const group of this.#groups) {
      if (this.#weightIn(group.members, sids) * 2 > group.weight) won++;
    }
    return won * 2 > this.#groups.length;
  }

  weightOf(sid: number): number {
    return this.#weights.get(sid) ?? 0;
  }

  isParticipant(sid: number): boolean {
    return this.participants.has(sid);
  }

  #weightIn(members: readonly number[], sids: ReadonlySet<number>): number {
    return members.reduce((sum, sid) => sum + (sids.has(sid) ? this.weightOf(sid) : 0), 0);
  }
}

/** More participants than this are too many subsets to look through. */
export const EXHAUSTIVE_PARTICIPANTS_MAX = 12;

/**
 * A set of participants that is a quorum while the rest is one too, or undefined when there is
 * none. If two quorums were disjoint, the complement of one would contain the other, and so would
 * be a quorum: looking at complements is enough.
 */
export function findDisjointQuorums(verifier: QuorumVerifier): ReadonlySet<number> | undefined {
  const sids = [...verifier.participants];
  invariant(sids.length <= EXHAUSTIVE_PARTICIPANTS_MAX, 'few enough participants to enumerate', {
    participants: sids.length,
  });
  for (let mask = 0; mask < 2 ** sids.length; mask++) {
    const inside = new Set(sids.filter((_, bit) => (mask & (1 << bit)) !== 0));
    const outside = new Set(sids.filter((sid) => !inside.has(sid)));
    if (verifier.containsQuorum(inside) && verifier.containsQuorum(outside)) return inside;
  }
  return undefined;
}

function checkMembers(participants: ReadonlySet<number>, observers: ReadonlySet<number>): void {
  invariant(participants.size > 0, 'an ensemble has a participant', {});
  for (const sid of observers) {
    invariant(!participants.has(sid), 'a server is a participant or an observer', { sid });
  }
}

function checkGroups(
  groups: ReadonlyMap<number, readonly number[]>,
  participants: ReadonlySet<number>,
): void {
  const seen = new Set<number>();
  for (const [group, members] of groups) {
    for (const sid of members) {
      invariant(participants.has(sid), 'a group holds participants only', { group, sid });
      invariant(!seen.has(sid), 'a server is in one group', { group, sid });
      seen.add(sid);
    }
  }
  for (const sid of participants) {
    invariant(seen.has(sid), 'every participant is in a group', { sid });
  }
}
