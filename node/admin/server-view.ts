/**
 * What the four-letter words show, read off a running peer at the moment of asking.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { LIMITS } from '../core/limits.ts';
import { OpCode } from '../core/request/op-code.ts';
import { PeerState } from '../core/zab/vote.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import { configText } from '../runtime/config/config-text.ts';
import type { PeerRuntime } from '../runtime/peer-runtime.ts';
import { processEnvironment } from './four-letter-environment.ts';
import type {
  ConfView,
  ConnectionView,
  LeaderView,
  QuorumConfView,
  ServerMode,
  ServerView,
} from './four-letter-view.ts';
import { metricsView } from './server-metrics.ts';
import { ephemeralsOf, sessionsView, watchesByPath, watchesBySession } from './session-views.ts';

/** The ZooKeeper release whose protocol is spoken; tools read it off the front of the version. */
const ZOOKEEPER_VERSION = '3.9.5';

export interface ViewContext {
  /** Picket's own version. */
  readonly version: string;
  /** When the process started, monotonic milliseconds of `performance.now`. */
  readonly startedAtMs: number;
}

/** What costs something to find out is found out when it is asked for. */
export function viewOf(runtime: PeerRuntime, context: ViewContext): ServerView {
  const { clients, replica, clientPort } = runtime;
  const { latency } = clients;
  return {
    version: `${ZOOKEEPER_VERSION}-picket-${context.version}, built on ${builtOn()}`,
    isServing: runtime.peer.isServing,
    mode: modeOf(runtime),
    latencyMs: { min: latency.minMs, avg: latency.averageMs, max: latency.maxMs },
    packetsReceived: clientPort?.stats.received ?? 0,
    packetsSent: clientPort?.stats.sent ?? 0,
    get connections() {
      return connectionsOf(runtime);
    },
    outstandingRequests: clients.outstanding,
    zxid: replica.tree.lastZxid,
    nodeCount: replica.tree.nodeCount,
    ephemeralCount: replica.tree.ephemeralsCount,
    watchCount: replica.watches.count,
    approximateDataBytes: replica.tree.approximateDataSize,
    globalSessions: replica.tree.sessions.size,
    localSessions: 0,
    authFailedCount: clients.authFailures,
    clientResponseBytes: clients.responseBytes,
    uptimeMs: Math.floor(performance.now() - context.startedAtMs),
    get openFileDescriptors() {
      return openFileDescriptors();
    },
    get maxFileDescriptors() {
      return maxFileDescriptors();
    },
    leader: leaderView(runtime),
    get conf() {
      return confView(runtime);
    },
    get environment() {
      return processEnvironment();
    },
    get sessions() {
      return sessionsView(runtime);
    },
    get ephemerals() {
      return ephemeralsOf(runtime);
    },
    watchSummary: replica.watches.summary,
    get watchesBySession() {
      return watchesBySession(runtime);
    },
    get watchesByPath() {
      return watchesByPath(runtime);
    },
    metrics: metricsView(runtime),
  };
}

function modeOf(runtime: PeerRuntime): ServerMode {
  if (runtime.config.mode === 'standalone') return 'standalone';
  switch (runtime.role) {
    case 'leading':
      return 'leader';
    case 'observing':
      return 'observer';
    default:
      return 'follower';
  }
}

function connectionsOf(runtime: PeerRuntime): ConnectionView[] {
  return Array.from(runtime.clientPort?.connections ?? [], (connection) =>
    connectionView(runtime, connection),
  );
}

function connectionView(runtime: PeerRuntime, connection: ClientConnection): ConnectionView {
  const { stats } = connection;
  const session = runtime.clients.sessionOf(connection);
  const hasSession = session !== undefined && !session.id.isNone;
  const { address, port } = splitRemote(connection.remote);
  return {
    remoteAddress: address,
    remotePort: port,
    isReading: connection.isReading,
    queued: stats.outstanding,
    received: stats.received,
    sent: stats.sent,
    establishedMs: stats.establishedAtMs,
    expiresAtMs: expiryOf(
      Math.max(stats.establishedAtMs, stats.lastReplyAtMs),
      hasSession ? session.timeoutMs : LIMITS.handshakeTimeoutMs,
    ),
    session: !hasSession
      ? undefined
      : {
          id: session.id,
          timeoutMs: session.timeoutMs,
          lastOp: opCodeOf(stats.lastOpCode),
          lastCxid: stats.lastXid,
          lastZxid: stats.lastZxid,
          lastResponseMs: stats.lastReplyAtMs,
          lastLatencyMs: stats.lastLatencyMs,
          latencyMs: {
            min: stats.minLatencyMs,
            avg: stats.averageLatencyMs,
            max: stats.maxLatencyMs,
          },
        },
  };
}

/** ZooKeeper rounds the expiry of connections up to this. */
const EXPIRY_INTERVAL_MS = 10_000;

function expiryOf(lastHeardMs: number, timeoutMs: number): number {
  return (Math.floor((lastHeardMs + timeoutMs) / EXPIRY_INTERVAL_MS) + 1) * EXPIRY_INTERVAL_MS;
}

function opCodeOf(code: number | null): OpCode | undefined {
  return Object.values(OpCode).find((known) => known === code);
}

/** `/ip:port`, an IPv6 address perhaps in brackets. */
function splitRemote(remote: string): { address: string; port: number } {
  const colon = remote.lastIndexOf(':');
  const address = remote
    .slice(0, colon)
    .replace(/^\//, '')
    .replace(/^\[|\]$/g, '');
  return { address, port: Number(remote.slice(colon + 1)) };
}

function leaderView(runtime: PeerRuntime): LeaderView | undefined {
  const { leading } = runtime.peer;
  const service = runtime.leaderInfo;
  if (leading === null || service === null || runtime.config.mode === 'standalone')
    return undefined;
  const learners = [...leading.learners];
  const synced = learners.filter((learner) => learner.phase === 'synced');
  return {
    learners: learners.length,
    syncedFollowers: synced.filter((learner) => !learner.isObserver).length,
    syncedNonVotingFollowers: 0,
    syncedObservers: synced.filter((learner) => learner.isObserver).length,
    pendingSyncs: service.pendingSyncs,
    uptimeMs: Math.floor(runtime.roleMs),
    proposalBytes: service.proposalBytes,
  };
}

function confView(runtime: PeerRuntime): ConfView {
  const { config } = runtime;
  const isStandalone = config.mode === 'standalone';
  return {
    clientPort: config.clientPort === 0 ? -1 : config.clientPort,
    dataDir: path.join(config.dataDir, 'snapshots'),
    get dataDirBytes() {
      return directoryBytes(path.join(config.dataDir, 'snapshots'));
    },
    dataLogDir: path.join(config.dataLogDir, 'journal'),
    get dataLogBytes() {
      return directoryBytes(path.join(config.dataLogDir, 'journal'));
    },
    tickTimeMs: config.tickTimeMs,
    maxClientCnxns: config.maxClientCnxns,
    minSessionTimeoutMs: config.minSessionTimeoutMs,
    maxSessionTimeoutMs: config.maxSessionTimeoutMs,
    clientPortListenBacklog: config.clientPortListenBacklog,
    serverId: isStandalone ? 0 : config.sid,
    quorum: isStandalone ? undefined : quorumView(runtime),
  };
}

function quorumView(runtime: PeerRuntime): QuorumConfView {
  const { config } = runtime;
  const own = config.servers.find((server) => server.sid === config.sid);
  return {
    initLimitTicks: config.initLimitTicks,
    syncLimitTicks: config.syncLimitTicks,
    electionPort: own?.electionPort ?? 0,
    quorumPort: own?.quorumPort ?? 0,
    isObserver: config.isObserver,
    membership: configText(config),
    size: config.servers.filter((server) => server.role === 'participant').length,
    peerState: peerState(runtime),
  };
}

function peerState(runtime: PeerRuntime): string {
  const { state, isServing } = runtime.peer;
  if (state === PeerState.looking) return 'looking - election';
  const names = { 1: 'following', 2: 'leading', 3: 'observing' } as const;
  return `${names[state]} - ${isServing ? 'broadcast' : 'synchronization'}`;
}

/** When the running files were built: the time of this module's file. */
function builtOn(): string {
  const { mtime } = fs.statSync(new URL(import.meta.url));
  return `${mtime.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function directoryBytes(directory: string): number {
  let bytes = 0;
  for (const name of fs.readdirSync(directory)) {
    // A file may go between the listing and the look at it.
    bytes += fs.statSync(path.join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

function openFileDescriptors(): number {
  if (os.platform() !== 'linux') return -1;
  return fs.readdirSync('/proc/self/fd').length;
}

/** The soft limit; -1 where the system does not say. */
function maxFileDescriptors(): number {
  if (os.platform() !== 'linux') return -1;
  const limits = fs.readFileSync(`/proc/${process.pid}/limits`, 'utf8');
  const limit = /^Max open files\s+(\d+)/m.exec(limits);
  return limit === null ? -1 : Number(limit[1]);
}
