/** The configuration of a peer in tests: small round times, majority unless a rule replaces it. */
import type { ZabConfig } from '../../node/core/zab/context.ts';
import { createQuorumVerifier, type QuorumVerifier } from '../../node/core/zab/quorum-verifier.ts';

export interface ZabConfigOptions {
  readonly sid: number;
  /** Participants have the sids from 1 on, observers those behind. */
  readonly participants: number;
  readonly observers?: number;
  /** Replaces the majority rule: to show what goes wrong with another. */
  readonly containsQuorum?: (sids: ReadonlySet<number>) => boolean;
}

/** tickTime 200 ms, initLimit 2000 ms, syncLimit 1000 ms, finalizeWait 200 ms. */
export function zabConfig(options: ZabConfigOptions): ZabConfig {
  const { sid, participants, observers = 0, containsQuorum } = options;
  const verifier = createQuorumVerifier({
    version: 0,
    participants: range(1, participants),
    observers: range(participants + 1, observers),
    groups: new Map(),
    weights: new Map(),
  });
  return {
    sid,
    isObserver: sid > participants,
    verifier: containsQuorum === undefined ? verifier : withRule(verifier, containsQuorum),
    configText: 'version=0',
    tickTimeMs: 200,
    initLimitTicks: 10,
    syncLimitTicks: 5,
    connectLimitTicks: 10,
    notificationMinMs: 200,
    notificationMaxMs: 2000,
    finalizeWaitMs: 200,
  };
}

function withRule(
  verifier: QuorumVerifier,
  containsQuorum: (sids: ReadonlySet<number>) => boolean,
): QuorumVerifier {
  return {
    version: verifier.version,
    participants: verifier.participants,
    observers: verifier.observers,
    containsQuorum,
    weightOf: (sid) => verifier.weightOf(sid),
    isParticipant: (sid) => verifier.isParticipant(sid),
  };
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}
