/**
 * What the four-letter words and the metrics need to know of a server: plain values that are read
 * from the runtime at the moment of asking. Nothing in a ServerView can change the server; what
 * does is in ServerControl.
 */
import type { OpCode } from '../core/request/op-code.ts';
import type { SessionId } from '../core/session-id.ts';
import type { Zxid } from '../core/zxid.ts';

export type ServerMode = 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only';

/** Milliseconds, or bytes, or whatever is measured. */
export interface MinAvgMax {
  readonly min: number;
  readonly avg: number;
  readonly max: number;
}

/** Sizes in bytes; all -1 before the first one. */
export interface LastMinMax {
  readonly last: number;
  readonly min: number;
  readonly max: number;
}

/** What is known of a connection's session, once it has one. */
export interface ConnectionSessionView {
  readonly id: SessionId;
  readonly timeoutMs: number;
  /** Undefined before the first request. */
  readonly lastOp: OpCode | undefined;
  /** -1 before the first request. */
  readonly lastCxid: number;
  /** -1 before the first reply. */
  readonly lastZxid: Zxid;
  /** When the last reply was sent, on a monotonic clock; 0 before. */
  readonly lastResponseMs: number;
  readonly lastLatencyMs: number;
  readonly latencyMs: MinAvgMax;
}

export interface ConnectionView {
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Whether the server reads from the socket; it stops while too many requests wait. */
  readonly isReading: boolean;
  /** Requests that were read and not yet answered. */
  readonly queued: number;
  readonly received: number;
  readonly sent: number;
  /** Milliseconds since 1970. */
  readonly establishedMs: number;
  /** When it is closed if nothing more is heard, milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** Undefined before the handshake, and for a connection that asked a four-letter word. */
  readonly session: ConnectionSessionView | undefined;
}

/** Sessions that expire together. */
export interface SessionSetView {
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  readonly ids: readonly SessionId[];
}

/** A leader or standalone server tracks the sessions; a learner only knows which there are. */
export type SessionsView =
  | { readonly kind: 'tracked'; readonly sets: readonly SessionSetView[] }
  | {
      readonly kind: 'known';
      readonly sessions: Iterable<readonly [id: SessionId, timeoutMs: number]>;
    };

/** Watches on data and existence, which is what wchs, wchc and wchp show. */
export interface WatchSummary {
  readonly connections: number;
  readonly paths: number;
  readonly watches: number;
}

/** Many values in a few numbers; all 0 before the first value. */
export interface SummaryView {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  /** The value that the part `q` of the recent ones does not exceed. */
  quantile(q: number): number;
}

/** What a server counts besides the gauges, by ZooKeeper's names without `zk_`, in order. */
export interface MetricsView {
  readonly counters: Iterable<readonly [name: string, value: number]>;
  readonly summaries: Iterable<readonly [name: string, summary: SummaryView]>;
  /** Those shown with percentiles. */
  readonly detailed: Iterable<readonly [name: string, summary: SummaryView]>;
  readonly sets: Iterable<
    readonly [name: string, byKey: Iterable<readonly [key: string, summary: SummaryView]>]
  >;
}

/** Only a leader has these. */
export interface LeaderView {
  /** Connected learners, observers included. */
  readonly learners: number;
  readonly syncedFollowers: number;
  readonly syncedNonVotingFollowers: number;
  readonly syncedObservers: number;
  /** Client `sync` requests that wait for a commit. */
  readonly pendingSyncs: number;
  readonly uptimeMs: number;
  readonly proposalBytes: LastMinMax;
}

/** The lines of `conf`; those of an ensemble are undefined for a standalone server. */
export interface ConfView {
  /** -1: no listener. */
  readonly clientPort: number;
  readonly dataDir: string;
  readonly dataDirBytes: number;
  readonly dataLogDir: string;
  readonly dataLogBytes: number;
  readonly tickTimeMs: number;
  readonly maxClientCnxns: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly clientPortListenBacklog: number;
  /** 0 for a standalone server, as ZooKeeper prints. */
  readonly serverId: number;
  readonly quorum: QuorumConfView | undefined;
}

export interface QuorumConfView {
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
  readonly electionPort: number;
  readonly quorumPort: number;
  readonly isObserver: boolean;
  /** The quorum configuration with its version line. */
  readonly membership: string;
  /** Number of participants. */
  readonly size: number;
  /** zk_peer_state, for example `following - broadcast`. */
  readonly peerState: string;
}

export interface ServerView {
  /** `3.9.5-picket-0.1.0, built on …`: tools read a ZooKeeper version off the front. */
  readonly version: string;
  /** False while there is no leader or no role: most words then say so. */
  readonly isServing: boolean;
  readonly mode: ServerMode;
  readonly latencyMs: MinAvgMax;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly connections: readonly ConnectionView[];
  readonly outstandingRequests: number;
  readonly zxid: Zxid;
  readonly nodeCount: number;
  readonly ephemeralCount: number;
  readonly watchCount: number;
  /** Paths and data of the tree. */
  readonly approximateDataBytes: number;
  readonly globalSessions: number;
  readonly localSessions: number;
  readonly authFailedCount: number;
  readonly clientResponseBytes: LastMinMax;
  readonly uptimeMs: number;
  readonly openFileDescriptors: number;
  readonly maxFileDescriptors: number;
  readonly leader: LeaderView | undefined;
  readonly conf: ConfView;
  /** Lines of `envi` without the version, in order: name and value. */
  readonly environment: ReadonlyArray<readonly [name: string, value: string]>;
  readonly sessions: SessionsView;
  /** Sessions that own ephemerals, with the paths. */
  readonly ephemerals: Iterable<readonly [owner: SessionId, paths: readonly string[]]>;
  readonly watchSummary: WatchSummary;
  readonly watchesBySession: Iterable<readonly [session: SessionId, paths: Iterable<string>]>;
  readonly watchesByPath: Iterable<readonly [path: string, sessions: Iterable<SessionId>]>;
  readonly metrics: MetricsView;
}

/** What the words can do to a server besides looking at it. */
export interface ServerControl {
  /** `crst`. */
  resetConnections(): void;
  /** `srst`: latencies, packets, sizes and every metric. */
  resetStatistics(): void;
  /** Kept for `stmk` and `gtmk`, 64 bits with a sign; there is no tracing that it would govern. */
  traceMask: bigint;
  /** The digest of the whole tree as it is now, unsigned, and the zxid of that state. */
  digest(): Promise<{ readonly zxid: Zxid; readonly digest: bigint }>;
}
