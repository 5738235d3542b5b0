/**
 * What four-letter words and metrics are made from, as Apache's servers were when their answers
 * were captured: leader and follower of three, and a standalone server, with one session each.
 */
import type {
  ConnectionSessionView,
  ConnectionView,
  MetricsView,
  ServerControl,
  ServerView,
} from '../../node/admin/four-letter-view.ts';
import { OpCode } from '../../node/core/request/op-code.ts';
import { SessionId } from '../../node/core/session-id.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: Debian's build left the variable in
export const APACHE_VERSION = '3.8.0-${mvngit.commit.id}, built on 2024-12-29 17:54 UTC';

export const NO_METRICS: MetricsView = { counters: [], summaries: [], detailed: [], sets: [] };

/** Writes down what it is asked to do. */
export class RecordingControl implements ServerControl {
  readonly asked: string[] = [];
  traceMask = 306n;

  resetConnections(): void {
    this.asked.push('resetConnections');
  }

  resetStatistics(): void {
    this.asked.push('resetStatistics');
  }

  async digest(): Promise<{ zxid: number; digest: bigint }> {
    this.asked.push('digest');
    return { zxid: 0x100000080, digest: 2n ** 64n - 5n };
  }
}

const MEMBERSHIP = `server.1=127.0.0.1:23301:23401:participant
server.2=127.0.0.1:23302:23402:participant
server.3=127.0.0.1:23303:23403:participant
server.9=127.0.0.1:23309:23409:observer
version=0`;

/** A connection that has just asked a four-letter word: read from once, and no longer. */
export function asker(remotePort: number): ConnectionView {
  const counts = { queued: 0, received: 1, sent: 0 };
  const remote = { remoteAddress: '127.0.0.1', remotePort };
  return {
    ...remote,
    ...counts,
    isReading: false,
    establishedMs: 0,
    expiresAtMs: 0,
    session: undefined,
  };
}

export function client(
  remotePort: number,
  requests: number,
  more: Partial<ConnectionView>,
): ConnectionView {
  const counts = { queued: 0, received: requests, sent: requests };
  return { ...asker(remotePort), ...counts, isReading: true, ...more };
}

export const LEADER_SESSION: ConnectionSessionView = {
  id: SessionId.fromBigInt(0x2000012afd20000n),
  timeoutMs: 10_000,
  lastOp: OpCode.getData,
  lastCxid: 5,
  lastZxid: 0x20000000a,
  lastResponseMs: 1_247_125.4,
  lastLatencyMs: 1,
  latencyMs: { min: 0, avg: 2.6, max: 4 },
};

export const LEADER: ServerView = {
  version: APACHE_VERSION,
  isServing: true,
  mode: 'leader',
  latencyMs: { min: 1, avg: 2.5, max: 4 },
  packetsReceived: 10,
  packetsSent: 9,
  connections: [asker(50094), client(50066, 6, {})],
  outstandingRequests: 0,
  zxid: 0x20000000a,
  nodeCount: 8,
  ephemeralCount: 1,
  watchCount: 1,
  approximateDataBytes: 248,
  globalSessions: 2,
  localSessions: 0,
  authFailedCount: 0,
  clientResponseBytes: { last: 266, min: 26, max: 266 },
  uptimeMs: 22_576.9,
  openFileDescriptors: 52,
  maxFileDescriptors: 20_000,
  leader: {
    learners: 2,
    syncedFollowers: 2,
    syncedNonVotingFollowers: 0,
    syncedObservers: 0,
    pendingSyncs: 0,
    uptimeMs: 22_506,
    proposalBytes: { last: 100, min: 48, max: 100 },
  },
  conf: {
    clientPort: 23202,
    dataDir: '/var/lib/zookeeper/data/version-2',
    dataDirBytes: 67_109_517,
    dataLogDir: '/var/lib/zookeeper/data/version-2',
    dataLogBytes: 67_109_517,
    tickTimeMs: 2000,
    maxClientCnxns: 0,
    minSessionTimeoutMs: 4000,
    maxSessionTimeoutMs: 40_000,
    clientPortListenBacklog: -1,
    serverId: 2,
    quorum: {
      initLimitTicks: 10,
      syncLimitTicks: 5,
      electionPort: 23402,
      quorumPort: 23302,
      isObserver: false,
      membership: MEMBERSHIP,
      size: 3,
      peerState: 'leading - broadcast',
    },
  },
  environment: [
    ['host.name', 'pi2'],
    ['os.name', 'Linux'],
  ],
  sessions: { kind: 'tracked', sets: [] },
  ephemerals: [],
  watchSummary: { connections: 0, paths: 0, watches: 0 },
  watchesBySession: [],
  watchesByPath: [],
  metrics: NO_METRICS,
};

export const FOLLOWER: ServerView = {
  ...LEADER,
  mode: 'follower',
  latencyMs: { min: 4, avg: 4, max: 4 },
  packetsReceived: 7,
  packetsSent: 6,
  leader: undefined,
};

export const STANDALONE: ServerView = {
  ...LEADER,
  mode: 'standalone',
  leader: undefined,
  conf: {
    ...LEADER.conf,
    clientPort: 23101,
    serverId: 0,
    dataDirBytes: 67_109_337,
    dataLogBytes: 67_109_337,
    quorum: undefined,
  },
};
