/**
 * The limits of the bridge. A broker that is away, slow or hostile costs a peer this much memory
 * and this much time, never more.
 */
export interface BridgeLimits {
  /** Committed changes remembered for a successor or for a broker that is away. */
  readonly ringCountMax: number;
  readonly ringBytesMax: number;
  /** Longer data is left out of the payloads and named by its length. */
  readonly dataBytesMax: number;
  /** PUBLISH packets waiting for their PUBACK. Brokers commonly accept 20. */
  readonly inFlightMax: number;
  readonly inFlightBytesMax: number;
  /** While the stream never pauses, the cursor is published once in so many changes. */
  readonly cursorEveryChanges: number;
  /** How long a new leader waits for the retained cursor before it takes it as absent. */
  readonly cursorWaitMs: number;
  /** The sweep for orphans ends when the broker has sent no retained state for so long. */
  readonly sweepQuietMs: number;
  /** Orphans remembered at a time; with more, the sweep runs again. */
  readonly sweepOrphansMax: number;
  readonly connectTimeoutMs: number;
  /** No PUBACK for so long with packets in flight: the connection is given up. */
  readonly ackTimeoutMs: number;
  readonly keepaliveS: number;
  /** Bounds of the delay between connection attempts; it doubles, with jitter. */
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** A connection that lasted so long starts the backoff afresh. */
  readonly stableAfterMs: number;
  /** How long each step of an orderly goodbye may take. */
  readonly closeTimeoutMs: number;
}

export const BRIDGE_LIMITS: BridgeLimits = {
  ringCountMax: 16_384,
  ringBytesMax: 8 * 1024 * 1024,
  dataBytesMax: 1024 * 1024,
  inFlightMax: 16,
  inFlightBytesMax: 1024 * 1024,
  cursorEveryChanges: 64,
  cursorWaitMs: 1000,
  sweepQuietMs: 1000,
  sweepOrphansMax: 10_000,
  connectTimeoutMs: 10_000,
  ackTimeoutMs: 30_000,
  keepaliveS: 10,
  backoffMinMs: 500,
  backoffMaxMs: 30_000,
  stableAfterMs: 5000,
  closeTimeoutMs: 1000,
};
