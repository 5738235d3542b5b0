/**
 * The keys of ZooKeeper that are plain values: times, the client listener and its limits, election,
 * security. Defaults are ZooKeeper's.
 */
import type { PeerConfig, ServerSpec } from './peer-config.ts';
import type { Settings } from './settings.ts';

const INT_MAX = 2 ** 31 - 1;
const PORT = { fallback: 0, min: 0, max: 65_535 };
const TICKS = { min: 1, max: 1_000_000 };
const DEFAULT_INIT_LIMIT = 10;
const DEFAULT_SYNC_LIMIT = 5;

type Times = Pick<
  PeerConfig,
  | 'tickTimeMs'
  | 'minSessionTimeoutMs'
  | 'maxSessionTimeoutMs'
  | 'initLimitTicks'
  | 'syncLimitTicks'
  | 'connectToLearnerMasterLimitTicks'
>;

export function readTimes(settings: Settings, isReplicated: boolean): Times {
  const tickTimeMs = settings.integer(
    'tickTime',
    { fallback: 3000, min: 1, max: Math.floor(INT_MAX / 20) },
    'milliseconds',
  );
  const timeout = { fallback: -1, min: -1, max: INT_MAX };
  const min = settings.integer('minSessionTimeout', timeout, 'milliseconds, or -1 for 2 ticks,');
  const max = settings.integer('maxSessionTimeout', timeout, 'milliseconds, or -1 for 20 ticks,');
  const minSessionTimeoutMs = min === -1 ? tickTimeMs * 2 : min;
  const maxSessionTimeoutMs = max === -1 ? tickTimeMs * 20 : max;
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const key = min === -1 ? 'maxSessionTimeout' : 'minSessionTimeout';
    const both = `${minSessionTimeoutMs} > ${maxSessionTimeoutMs} ms`;
    settings.problem(key, `minSessionTimeout must not be larger than maxSessionTimeout (${both})`);
  }
  const limit = (key: string, fallback: number): number => {
    if (isReplicated && settings.get(key) === undefined) {
      settings.warn(key, `is not set; ${fallback} ticks are assumed`);
    }
    return settings.integer(key, { ...TICKS, fallback }, 'ticks');
  };
  const initLimitTicks = limit('initLimit', DEFAULT_INIT_LIMIT);
  const syncLimitTicks = limit('syncLimit', DEFAULT_SYNC_LIMIT);
  const connect = settings.integer(
    'connectToLearnerMasterLimit',
    { fallback: 0, min: 0, max: TICKS.max },
    'ticks, or 0 for initLimit,',
  );
  const connectToLearnerMasterLimitTicks = connect === 0 ? initLimitTicks : connect;
  return {
    tickTimeMs,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    initLimitTicks,
    syncLimitTicks,
    connectToLearnerMasterLimitTicks,
  };
}

type ClientListener = Pick<
  PeerConfig,
  'clientPort' | 'clientPortAddress' | 'clientPortListenBacklog'
>;

/** A client address in this server's line counts; clientPort may stand beside it if it agrees. */
export function readClientListener(
  settings: Settings,
  self: ServerSpec | undefined,
): ClientListener {
  const port = settings.integer('clientPort', PORT, 'a port (0 for none)');
  const address = settings.text('clientPortAddress');
  const backlog = { fallback: -1, min: -1, max: INT_MAX };
  const clientPortListenBacklog = settings.integer('clientPortListenBacklog', backlog);
  if (address === '') settings.problem('clientPortAddress', 'must be an address of this machine');
  const inLine = self?.clientPort;
  if (inLine !== undefined) {
    const line = `server.${self?.sid} says ${self?.clientHost}:${inLine}`;
    if (port !== 0 && port !== inLine) settings.problem('clientPort', `${line}; they must agree`);
    if (address !== undefined && !isAnyAddress(address) && address !== self?.clientHost) {
      settings.problem('clientPortAddress', `${line}; they must agree`);
    }
  } else if (port === 0 && address !== undefined) {
    settings.problem('clientPortAddress', 'is set but clientPort is not');
  }
  const clientPort = inLine ?? port;
  if (clientPort === 0 && settings.get('clientPort')?.value !== '0') {
    settings.warn('clientPort', 'is not set; no client can connect to this server');
  }
  if (self !== undefined && (clientPort === self.quorumPort || clientPort === self.electionPort)) {
    settings.problem('clientPort', `is a quorum or election port of server.${self.sid} too`);
  }
  const host = inLine === undefined ? address : self?.clientHost;
  const isAny = host === undefined || isAnyAddress(host);
  return { clientPort, clientPortAddress: isAny ? undefined : host, clientPortListenBacklog };
}

function isAnyAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

type ClientLimits = Pick<
  PeerConfig,
  | 'maxClientCnxns'
  | 'maxCnxns'
  | 'fourLetterWhitelist'
  | 'leaderServes'
  | 'globalOutstandingLimit'
  | 'juteMaxBufferBytes'
>;

export function readClientLimits(settings: Settings): ClientLimits {
  const counted = (fallback: number, min: number) => ({ fallback, min, max: INT_MAX });
  const maxClientCnxns = settings.integer('maxClientCnxns', counted(60, 0));
  const maxCnxns = settings.integer('maxCnxns', counted(0, 0));
  const words = (settings.text('4lw.commands.whitelist') ?? '').split(',').map((it) => it.trim());
  const fourLetterWhitelist = [...new Set(['srvr', ...words.filter((word) => word !== '')])];
  const leaderServes = settings.boolean('leaderServes', true);
  const globalOutstandingLimit = settings.integer('globalOutstandingLimit', counted(1000, 1));
  const buffer = { fallback: 0xfffff, min: 1024, max: 2 ** 28 };
  const juteMaxBufferBytes = settings.integer('jute.maxbuffer', buffer, 'bytes');
  return {
    maxClientCnxns,
    maxCnxns,
    fourLetterWhitelist,
    leaderServes,
    globalOutstandingLimit,
    juteMaxBufferBytes,
  };
}

type Election = Pick<
  PeerConfig,
  | 'quorumListenOnAllIps'
  | 'cnxTimeoutMs'
  | 'minNotificationIntervalMs'
  | 'maxNotificationIntervalMs'
>;

export function readElection(settings: Settings): Election {
  const electionAlg = settings.text('electionAlg');
  if (electionAlg !== undefined && electionAlg !== '3') {
    settings.problem('electionAlg', 'must be 3, fast leader election');
  }
  const milliseconds = (key: string, fallback: number): number =>
    settings.integer(key, { fallback, min: 1, max: INT_MAX }, 'milliseconds');
  const minNotificationIntervalMs = milliseconds('fastleader.minNotificationInterval', 200);
  const maxNotificationIntervalMs = milliseconds('fastleader.maxNotificationInterval', 60_000);
  if (minNotificationIntervalMs > maxNotificationIntervalMs) {
    const key = 'fastleader.minNotificationInterval';
    settings.problem(key, `must not be larger than the maximum, ${maxNotificationIntervalMs}`);
  }
  return {
    quorumListenOnAllIps: settings.boolean('quorumListenOnAllIPs', false),
    cnxTimeoutMs: milliseconds('cnxTimeout', 5000),
    minNotificationIntervalMs,
    maxNotificationIntervalMs,
  };
}

type Security = Pick<
  PeerConfig,
  'skipAcl' | 'superDigest' | 'extendedTypesEnabled' | 'enforceQuota'
>;

export function readSecurity(settings: Settings): Security {
  const key = 'DigestAuthenticationProvider.superDigest';
  const superDigest = settings.text(key);
  if (superDigest !== undefined && !/^[^:]+:[A-Za-z0-9+/]{27}=$/.test(superDigest)) {
    settings.problem(
      key,
      'must be user:base64(sha1(user:password)), 28 characters after the colon',
    );
  }
  if (!settings.boolean('forceSync', true)) {
    settings.warn(
      'forceSync',
      'has no effect: Picket acknowledges nothing that is not on the medium',
    );
  }
  const skipAcl = settings.boolean('skipACL', false);
  if (skipAcl) settings.warn('skipACL', 'every client may read and change everything');
  const extendedTypesEnabled = settings.boolean('extendedTypesEnabled', true);
  const enforceQuota = settings.boolean('enforceQuota', true);
  return { skipAcl, superDigest, extendedTypesEnabled, enforceQuota };
}

/** How the leader deletes containers and TTL znodes; looked at far more often than in ZooKeeper. */
export function readContainers(settings: Settings): PeerConfig['containers'] {
  const integer = (key: string, fallback: number, min: number): number =>
    settings.integer(`znode.container.${key}`, { fallback, min, max: INT_MAX });
  return {
    checkIntervalMs: integer('checkIntervalMs', 1000, 1),
    maxPerMinute: integer('maxPerMinute', 10_000, 1),
    neverUsedMs: integer('maxNeverUsedIntervalMs', 0, 0),
  };
}
