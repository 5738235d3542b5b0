/**
 * The configuration of one peer with every default resolved: what the runtime is started with.
 * Names and defaults are ZooKeeper's; units stand last in the name. It holds no password: secrets
 * stay in the files that are named here (superDigest is a hash, and is not for logs either).
 */

export type ServerRole = 'participant' | 'observer';

/** One `server.N` line. */
export interface ServerSpec {
  /** N, from 1 to 255. */
  readonly sid: number;
  /** Host name or address; an IPv6 address without its brackets. */
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly role: ServerRole;
  /** The address after the `;`, `0.0.0.0` where the line gives only a port. */
  readonly clientHost?: string;
  readonly clientPort?: number;
}

/** Who is in the ensemble. Groups and weights are empty for plain majorities. */
export interface Membership {
  /** Sorted by sid. Empty for a standalone server without a `server.N` line. */
  readonly servers: readonly ServerSpec[];
  /** Group number to the sids in it. */
  readonly groups: ReadonlyMap<number, readonly number[]>;
  /** Weight of every participant where there are groups. */
  readonly weights: ReadonlyMap<number, number>;
  /** 0 for a static file, else the hexadecimal suffix of the dynamic file's name. */
  readonly configVersion: number;
}

export interface MqttConfig {
  /** mqtt:, mqtts:, ws: or wss:, without credentials. */
  readonly url: string;
  /** Base topic, without a leading or trailing slash. */
  readonly topic: string;
  readonly username: string | undefined;
  /** The file whose first line is the password. */
  readonly passwordFile: string | undefined;
}

/** Where Prometheus is served. */
export interface MetricsConfig {
  readonly host: string;
  readonly port: number;
  /** Memory, event loop and the like of the process, besides ZooKeeper's metrics. */
  readonly hasProcessMetrics: boolean;
}

/** When the leader deletes containers and TTL znodes that are due. */
export interface ContainerConfig {
  readonly checkIntervalMs: number;
  readonly maxPerMinute: number;
  /** Of a container that never had a child; 0: never. */
  readonly neverUsedMs: number;
}

export interface PeerConfig extends Membership {
  /** The file this came from. */
  readonly file: string;
  readonly mode: 'standalone' | 'replicated';
  /** This server's id; 1 for a standalone server without a myid file, as ZooKeeper counts it. */
  readonly sid: number;
  readonly isObserver: boolean;

  readonly tickTimeMs: number;
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
  readonly connectToLearnerMasterLimitTicks: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;

  /** Absolute. */
  readonly dataDir: string;
  /** Absolute; dataDir unless set. */
  readonly dataLogDir: string;
  readonly journalSegmentBytes: number;

  /** 0: no listener for clients. */
  readonly clientPort: number;
  /** Undefined: every local address. */
  readonly clientPortAddress: string | undefined;
  /** -1: the platform's default. */
  readonly clientPortListenBacklog: number;
  /** Connections from one address; 0: no limit. */
  readonly maxClientCnxns: number;
  /** Connections in all; 0: no limit. */
  readonly maxCnxns: number;
  /** As configured: words, or `*` for all; `srvr` is always among them. */
  readonly fourLetterWhitelist: readonly string[];
  readonly leaderServes: boolean;
  readonly globalOutstandingLimit: number;
  /** jute.maxbuffer: the largest request or record. */
  readonly juteMaxBufferBytes: number;

  readonly quorumListenOnAllIps: boolean;
  /** Connect timeout on the election port. */
  readonly cnxTimeoutMs: number;
  readonly minNotificationIntervalMs: number;
  readonly maxNotificationIntervalMs: number;

  readonly skipAcl: boolean;
  /** `user:base64(sha1(user:password))` of the super user. Never log it. */
  readonly superDigest: string | undefined;
  /** TTL znodes; off, they are answered with Unimplemented. */
  readonly extendedTypesEnabled: boolean;
  readonly containers: ContainerConfig;
  /** Hard quotas refuse; on unless said, unlike ZooKeeper's. */
  readonly enforceQuota: boolean;

  /** Undefined: no bridge. */
  readonly mqtt: MqttConfig | undefined;
  /** Undefined: no endpoint for Prometheus. */
  readonly metrics: MetricsConfig | undefined;
}
