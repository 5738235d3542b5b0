/**
 * Every key ZooKeeper 3.9 reads from zoo.cfg or from a system property, and what Picket does with
 * it. Nothing in a file is dropped in silence: a key that is known but has no effect here is named
 * with the reason, and one that promises protection which Picket cannot give is refused.
 */

/** notYet: ours to do later. notApplicable: there is nothing here that it could act on. */
export type KeyStatus = 'supported' | 'notYet' | 'notApplicable' | 'refused';

export interface KnownKey {
  /** Without the `zookeeper.` prefix. Ends in `.` for a family of keys. */
  readonly name: string;
  readonly status: KeyStatus;
  /** Why it has no effect; empty for a supported key. */
  readonly note: string;
  /** Values that ask for what Picket does anyway; they cause no warning. */
  readonly sameAs: readonly string[];
}

const SUPPORTED = `
  tickTime dataDir dataLogDir clientPort clientPortAddress clientPortListenBacklog initLimit
  syncLimit server. group. weight. peerType minSessionTimeout maxSessionTimeout maxClientCnxns
  maxCnxns 4lw.commands.whitelist leaderServes globalOutstandingLimit jute.maxbuffer
  cnxTimeout connectToLearnerMasterLimit electionAlg quorumListenOnAllIPs
  fastleader.minNotificationInterval fastleader.maxNotificationInterval skipACL
  DigestAuthenticationProvider.superDigest extendedTypesEnabled standaloneEnabled dynamicConfigFile
  forceSync enforceQuota znode.container.checkIntervalMs znode.container.maxPerMinute
  znode.container.maxNeverUsedIntervalMs
  metricsProvider.className metricsProvider.httpHost metricsProvider.httpPort
  metricsProvider.exportJvmInfo
  picket.mqtt.url picket.mqtt.topic picket.mqtt.username picket.mqtt.passwordFile
  picket.journal.segmentBytes`;

const SNAPSHOTS = "Picket's snapshots follow the bytes of the journal";
const JOURNAL = "Picket's journal has segments of its own, recycled and flushed in groups";
const PURGE = 'Picket recycles segments and removes old snapshots by itself';
const JVM = 'there is no Java virtual machine and no thread pool here';
const TLS = 'Picket has no TLS yet';
const SASL = 'Picket has no SASL yet';
const RECONFIG = 'Picket cannot change its membership while running yet';
const ADMIN = 'Picket has no admin server yet';
const METRICS = 'Picket serves metrics over plain HTTP and needs no threads for them';
const LATER = 'not in this version';
const LEARNERS = 'Picket does not limit how learners synchronise yet';
const THROTTLE = 'Picket throttles by globalOutstandingLimit only';
const FIXED = 'Picket always behaves as by default here';
const PORTS = 'a port that is taken is reported at once; systemd or the like starts again';
const DEBUG = 'a debugging aid of the Java server';

/** Keys by reason; `name=value` means that this value asks for what happens anyway. */
const NOT_YET: ReadonlyArray<readonly [note: string, keys: string]> = [
  [RECONFIG, 'reconfigEnabled=false'],
  [ADMIN, 'admin.enableServer=false admin.'],
  [METRICS, 'metricsProvider.'],
  [
    TLS,
    `secureClientPort secureClientPortAddress portUnification=false client.portUnification=false
     sslQuorumReloadCertFiles=false client.certReload=false fips-mode ssl. client.secure
     netty.server.outstandingHandshake.limit netty.server.earlyDropSecureConnectionHandshakes`,
  ],
  [
    SASL,
    `quorum.auth.enableSasl=false quorum.auth.kerberos.servicePrincipal kerberos.
     quorum.auth.learner.saslLoginContext quorum.auth.server.saslLoginContext sasl.
     quorum.auth.learner.loginContext quorum.auth.server.loginContext allowSaslFailedClients=false`,
  ],
  [
    LATER,
    `localSessionsEnabled=false localSessionsUpgradingEnabled=false readonlymode.enabled=false
     observerMasterPort=0 observerMaster.sizeLimit oraclePath audit.enable=false
     audit.impl.class DigestAuthenticationProvider.digestAlg=SHA1 superUser
     X509AuthenticationProvider.superUser IPAuthenticationProvider.usexforwardedfor=false
     enableEagerACLCheck=false multiAddress.enabled=false multiAddress. authProvider.
     clientTcpKeepAlive tcpKeepAlive
     pathStats. digest.enabled observer. emulate353TTLNodes=false ensembleAuthName
     DigestAuthenticationProvider.enabled=true`,
  ],
  [LEARNERS, 'leader.maxConcurrentSnapSyncs leader.maxConcurrentDiffSyncs'],
  [
    LEARNERS,
    'leader.maxTimeToWaitForEpoch=-1 leaderConnectDelayDuringRetryMs quorumCnxnTimeoutMs=-1',
  ],
  [
    THROTTLE,
    `request_throttle_max_requests=0 request_throttle_stall_time request_throttle_drop_stale
     request_stale_latency_check=false request_stale_connection_check throttled_op_wait_time=0
     connection_throttle_ largeRequestMaxBytes largeRequestThreshold=-1`,
  ],
];

const NOT_APPLICABLE: ReadonlyArray<readonly [note: string, keys: string]> = [
  [SNAPSHOTS, 'snapCount snapSizeLimitInKb snapshot. serializeLastProcessedZxid.enabled'],
  [PURGE, 'autopurge.'],
  [
    JOURNAL,
    `preAllocSize txnLogSizeLimitInKb=-1 commitLogCount snapshotSizeFactor flushDelay=0
     maxWriteQueuePollTime maxBatchSize fsync.warningthresholdms`,
  ],
  [
    FIXED,
    `datadir.autocreate=true db.autocreate=true closeSessionTxn.enabled=true leader.nodelay=true
     follower.nodelay=true syncEnabled=true observer.syncEnabled=true learner.asyncSending
     leader.closeSocketAsync learner.closeSocketAsync
     forward_learner_requests_to_commit_processor_disabled=false jute.maxbuffer.extrasize
     follower.skipLearnerRequestToNextProcessor=false`,
  ],
  [
    JVM,
    `serverCnxnFactory nio. commitProcessor. maxReadBatchSize maxCommitBatchSize netty.
     quorum.cnxn.threads.size jvm.pause. maxResponseCacheSize maxGetChildrenResponseCacheSize
     watchManagerName watcherCleanThreadsNum watcherCleanIntervalInSeconds
     watcherCleanThreshold maxInProcessingDeadWatchers bitHashCacheSize intBufferStartingSizeBytes
     shutdownTimeout jmx. log4j. log.dir root.logger console.threshold`,
  ],
  [PORTS, 'electionPortBindRetry'],
  [DEBUG, 'messageTracker. test. server.realm'],
  ['a key of ZooKeeper clients', 'request.timeout disableAutoWatchReset clientCnxnSocket'],
];

/** Ignoring these would leave a port or a session less protected than the file says. */
const REFUSED: ReadonlyArray<readonly [note: string, keys: string]> = [
  [TLS, 'sslQuorum=false'],
  [SASL, 'quorum.auth.learnerRequireSasl=false quorum.auth.serverRequireSasl=false'],
  [SASL, 'sessionRequireClientSASLAuth=false enforce.auth.enabled=false enforce.auth.schemes'],
];

export const KNOWN_KEYS: readonly KnownKey[] = [
  ...words(SUPPORTED).map((name) => ({ name, status: 'supported' as const, note: '', sameAs: [] })),
  ...group('notYet', NOT_YET),
  ...group('notApplicable', NOT_APPLICABLE),
  ...group('refused', REFUSED),
];

const EXACT = new Map(
  KNOWN_KEYS.filter(({ name }) => !isFamily(name)).map((key) => [key.name, key]),
);
const FAMILIES = KNOWN_KEYS.filter(({ name }) => isFamily(name));

/** What is known of `key`, by its own name or its family; undefined for a stranger. */
export function findKnownKey(key: string): KnownKey | undefined {
  return EXACT.get(key) ?? FAMILIES.find(({ name }) => key.startsWith(name));
}

/** `zookeeper.X` is X, where X is a key we know: as a system property it has the longer name. */
export function canonicalKey(key: string): string {
  const short = key.startsWith('zookeeper.') ? key.slice('zookeeper.'.length) : key;
  if (short === 'superDigest') return 'DigestAuthenticationProvider.superDigest';
  return findKnownKey(short) === undefined ? key : short;
}

/** The known key that `key` was probably meant to be, or undefined when none is close. */
export function nearestKnownKey(key: string): string | undefined {
  let nearest: string | undefined;
  let best = Math.max(2, Math.floor(key.length / 4)) + 1;
  for (const { name } of KNOWN_KEYS) {
    const distance = editDistance(key.toLowerCase(), name.toLowerCase());
    if (distance < best) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

function isFamily(name: string): boolean {
  return name.endsWith('.') || name.endsWith('_');
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}

function group(status: KeyStatus, rows: ReadonlyArray<readonly [string, string]>): KnownKey[] {
  return rows.flatMap(([note, keys]) =>
    words(keys).map((word) => {
      const [name = '', same] = word.split('=');
      return { name, status, note, sameAs: same === undefined ? [] : [same] };
    }),
  );
}

/** Levenshtein's: insertions, deletions and replacements from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const inserted = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(replaced, inserted, (previous[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
