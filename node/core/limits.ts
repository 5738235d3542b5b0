/**
 * Every limit of a peer that is not a key of zoo.cfg, in one place, and the relations that must
 * hold between them. Full means refuse or close, never grow.
 */
import { invariant } from './invariant.ts';

export interface Limits {
  /** What may wait for one client to read it; beyond, its connection is closed. */
  readonly clientOutboundBytesMax: number;
  /** What may wait for one learner to read it; beyond, its link is closed. */
  readonly learnerOutboundBytesMax: number;
  /** Learners that may be connected to a leader. */
  readonly learnersMax: number;
  /** How long a client connection may go without a session. */
  readonly handshakeTimeoutMs: number;
  /** What a packet may hold besides a request of jute.maxbuffer: header, ids, session. */
  readonly packetExtraBytes: number;
  /** Requests that one connection may have waiting; beyond, it is not read until some are done. */
  readonly connectionPendingMax: number;
  /** Znodes that a snapshot writes in one slice of the event loop. */
  readonly snapshotSliceNodes: number;
  /** Namespaces that are counted apart; what lies beyond is counted together. */
  readonly metricKeysMax: number;
}

export const LIMITS: Limits = {
  clientOutboundBytesMax: 8 * 1024 * 1024,
  learnerOutboundBytesMax: 64 * 1024 * 1024,
  learnersMax: 128,
  handshakeTimeoutMs: 10_000,
  packetExtraBytes: 1024 * 1024,
  connectionPendingMax: 4096,
  snapshotSliceNodes: 500,
  metricKeysMax: 128,
};

/** The limits with room for what `jute.maxbuffer` allows one frame to be. */
export function limitsFor(frameBytesMax: number): Limits {
  const { clientOutboundBytesMax, learnerOutboundBytesMax, packetExtraBytes } = LIMITS;
  return {
    ...LIMITS,
    clientOutboundBytesMax: Math.max(clientOutboundBytesMax, 2 * frameBytesMax),
    learnerOutboundBytesMax: Math.max(
      learnerOutboundBytesMax,
      2 * (frameBytesMax + packetExtraBytes),
    ),
  };
}

/** Called at start with the configured frame limit: refuses a set of limits that cannot work. */
export function checkLimits(limits: Limits, frameBytesMax: number): void {
  invariant(
    limits.clientOutboundBytesMax > frameBytesMax,
    'one reply of jute.maxbuffer fits into the outbound limit of a client',
    { frameBytesMax, clientOutboundBytesMax: limits.clientOutboundBytesMax },
  );
  invariant(
    limits.learnerOutboundBytesMax > frameBytesMax + limits.packetExtraBytes,
    'one proposal fits into the outbound limit of a learner',
    { frameBytesMax, learnerOutboundBytesMax: limits.learnerOutboundBytesMax },
  );
}
