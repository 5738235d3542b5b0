/**
 * One peer, running: it feeds the Zab core with what happens and carries its outputs out, in order.
 * It decides nothing of the protocol. What a client sees goes through ClientService; what a leader
 * proposes through LeaderService; both hang on the role that the core plays.
 *
 * After a halt it sends nothing more, and the process ends with the exit code of the reason.
 */

import { assertNever, invariant } from '../core/invariant.ts';
import { checkLimits, LIMITS, limitsFor } from '../core/limits.ts';
import type { DataTree } from '../core/tree/data-tree.ts';
import { FuzzyReplay } from '../core/tree/fuzzy-replay.ts';
import type { Input } from '../core/zab/inputs.ts';
import type { Output, Role } from '../core/zab/outputs.ts';
import { ZabPeer } from '../core/zab/peer.ts';
import { decodeTxn } from '../jute/txns.ts';
import { ClientPort } from '../net/client-port.ts';
import type { Cancel } from '../net/timers.ts';
import { ClientService } from './client-service.ts';
import { configText } from './config/config-text.ts';
import type { PeerConfig } from './config/peer-config.ts';
import { zabConfigOf } from './config/zab-config.ts';
import { EnsembleNet } from './ensemble-net.ts';
import { ExitCode } from './exit-codes.ts';
import { exitCodeOfCause, HaltError } from './halt.ts';
import { LeaderService, type Proposer } from './leader-service.ts';
import { LearnerService } from './learner-service.ts';
import { MetricsRegistry } from './metrics.ts';
import { PeerMetrics } from './peer-metrics.ts';
import type { PeerRuntimeOptions } from './peer-options.ts';
import { Replica } from './replica.ts';
import { Store } from './store.ts';

export class PeerRuntime {
  readonly config: PeerConfig;
  readonly replica: Replica;
  readonly clients: ClientService;
  readonly clientPort: ClientPort | null;
  readonly metrics = new MetricsRegistry();
  private readonly observer = new PeerMetrics(this.metrics);
  private readonly options: PeerRuntimeOptions;
  private readonly store: Store;
  private readonly zab: ZabPeer;
  private readonly net: EnsembleNet | null;
  private leaderService: LeaderService | null = null;
  private learnerService: LearnerService | null = null;
  private staged: { readonly token: number; readonly tree: DataTree } | null = null;
  private readonly inbox: Input[] = [];
  private isStepping = false;
  private isHalted = false;
  private cancelTick: Cancel | null = null;
  private tickAtMs = Number.POSITIVE_INFINITY;
  /** When the present role began, monotonic. */
  private roleSinceMs = 0;

  /** Recovers from disk; blocks. Throws the errors of recovery. */
  constructor(options: PeerRuntimeOptions) {
    const { config, log, clock, hooks } = options;
    checkLimits(limitsFor(config.juteMaxBufferBytes), config.juteMaxBufferBytes);
    this.options = options;
    this.config = config;
    const { store, tree, history } = Store.open({
      disk: options.disk,
      dataDir: config.dataDir,
      dataLogDir: config.dataLogDir,
      sid: config.sid,
      segmentBytesMax: config.journalSegmentBytes,
      log,
      onFailed: (error) => this.storageFailed(ExitCode.journalIo, error),
      onSnapshotFailed: (error) => this.storageFailed(ExitCode.snapshotIo, error),
      metrics: this.metrics,
    });
    this.store = store;
    if (config.mode === 'replicated') tree.setConfig(configText(config), config.configVersion);
    this.replica = new Replica(tree, hooks.onChange ?? null, this.metrics);
    const zabConfig = zabConfigOf(config);
    this.zab = new ZabPeer(zabConfig, history);
    this.clients = new ClientService({
      sid: config.sid,
      minSessionTimeoutMs: config.minSessionTimeoutMs,
      maxSessionTimeoutMs: config.maxSessionTimeoutMs,
      outstandingMax: outstandingMax(config, zabConfig.verifier.participants.size),
      pendingPerConnectionMax: LIMITS.connectionPendingMax,
      skipAcl: config.skipAcl,
      superDigest: config.superDigest,
      replica: this.replica,
      clock,
      log,
    });
    this.net =
      config.mode === 'standalone'
        ? null
        : new EnsembleNet({ config, log, onInput: (input) => this.step(input) });
    this.clientPort = config.clientPort === 0 ? null : this.newClientPort();
  }

  get role(): Role {
    if (!this.zab.isServing) return 'looking';
    if (this.zab.leading !== null) return 'leading';
    return this.config.isObserver ? 'observing' : 'following';
  }

  get peer(): ZabPeer {
    return this.zab;
  }

  get leaderInfo(): LeaderService | null {
    return this.leaderService;
  }

  get roleMs(): number {
    return this.options.clock.monotonicMs() - this.roleSinceMs;
  }

  /** Binds the ports and begins to look for a leader. */
  async start(): Promise<void> {
    await this.net?.start();
    try {
      await this.clientPort?.start();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new HaltError(ExitCode.clientPort, message, { cause: error });
    }
    this.step({ type: 'start' });
  }

  /** Leaves the ensemble and closes everything; what was acknowledged is on the medium. */
  async stop(): Promise<void> {
    this.step({ type: 'stop' });
    this.leaveRole();
    this.isHalted = true;
    this.cancelTick?.();
    await Promise.all([this.clientPort?.close(), this.net?.close()]);
    await new Promise<void>((resolve) => this.store.close(resolve));
  }

  private newClientPort(): ClientPort {
    const { config, log, hooks, clock, fourLetterWords } = this.options;
    return new ClientPort({
      listenHost: config.clientPortAddress ?? '',
      listenPort: config.clientPort,
      backlog: config.clientPortListenBacklog,
      maxClientCnxns: config.maxClientCnxns,
      maxCnxns: config.maxCnxns,
      frameBytesMax: config.juteMaxBufferBytes,
      outboundBytesMax: limitsFor(config.juteMaxBufferBytes).clientOutboundBytesMax,
      handshakeTimeoutMs: LIMITS.handshakeTimeoutMs,
      fourLetterWords,
      handlers: {
        onOpen: (connection) => this.clients.opened(connection),
        onFrame: (connection, frame) => this.clients.frame(connection, frame),
        onFourLetterWord: (connection, word, argument) =>
          hooks.onFourLetterWord(connection, word, argument),
        onClose: (connection) => this.clients.closed(connection),
      },
      log,
      wallClockMs: () => clock.wallMs(),
    });
  }

  // The loop

  private step(input: Input): void {
    if (this.isHalted) return;
    this.inbox.push(input);
    if (this.isStepping) return;
    this.isStepping = true;
    for (let next = this.inbox.shift(); next !== undefined; next = this.inbox.shift()) {
      const nowMs = this.options.clock.monotonicMs();
      this.observer.input(next);
      for (const output of this.zab.step(nowMs, next)) {
        this.observer.output(output, nowMs);
        this.carryOut(output);
      }
      this.observer.stepped(this.zab.state, nowMs);
    }
    this.isStepping = false;
    this.scheduleTick();
  }

  private scheduleTick(): void {
    const deadlineMs = this.zab.deadlineMs;
    // A tick that comes early does no harm and arms the next one.
    if (deadlineMs >= this.tickAtMs || this.isHalted) return;
    this.cancelTick?.();
    this.cancelTick = null;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.tickAtMs = deadlineMs;
    const delayMs = Math.max(0, Math.ceil(deadlineMs - this.options.clock.monotonicMs()));
    this.cancelTick = this.options.clock.after(delayMs, () => {
      this.tickAtMs = Number.POSITIVE_INFINITY;
      // Packets that arrived while this process could not run are heard before time is judged.
      setImmediate(() => this.step({ type: 'tick' }));
    });
  }

  private carryOut(output: Output): void {
    if (this.isHalted) return;
    switch (output.type) {
      case 'notify':
        return this.net?.notify(output.to, output.notification);
      case 'dial':
        return this.net?.dial(output.sid, output.attempt);
      case 'send':
        return this.net?.send(output.link, output.message);
      case 'sendSnapshot':
        return this.net?.sendSnapshot(output.link, this.replica.tree);
      case 'close':
        return this.net?.closeLink(output.link);
      case 'append': {
        const { token } = output;
        return this.store.append(output.records, output.committed, () => {
          this.step({ type: 'durable', token });
        });
      }
      case 'installSnapshot':
        return this.installSnapshot(output);
      case 'adoptSnapshot':
        return this.adoptSnapshot(output.token);
      case 'apply':
        return this.apply(output.entries);
      case 'role':
        return this.enterRole(output.role, output.leader, output.epoch);
      case 'fromLearner':
        return this.leaderService?.fromLearner(output.link, output.sid, output.message);
      case 'fromLeader':
        return this.learnerService?.fromLeader(output.message);
      case 'answerPing': {
        const sessions = this.learnerService?.takeTouched() ?? [];
        return this.net?.send(output.link, { type: 'ping', zxid: output.zxid, sessions });
      }
      case 'syncDone':
        return this.leaderService?.syncDone(output.token);
      case 'log':
        return this.options.log[output.level](output.text, { ...output.facts });
      case 'halt':
        this.options.log.error(output.text, { ...output.facts });
        return this.halt(exitCodeOfCause(output.cause), output.text);
      default:
        return assertNever(output, 'output');
    }
  }

  private apply(entries: Extract<Output, { readonly type: 'apply' }>['entries']): void {
    const nowMs = this.options.clock.wallMs();
    // What a synchronisation brings is older than this peer's role, and no measure of anything.
    const isServing = (this.leaderService ?? this.learnerService) !== null;
    for (const entry of entries) {
      const applied = this.replica.apply(entry);
      if (isServing) {
        this.observer.applied(nowMs - applied.header.timeMs, this.leaderService !== null);
      }
      this.leaderService?.applied(applied.header, applied.txn);
      this.clients.applied(applied);
    }
    this.store.snapshotIfDue(this.replica.tree, () => this.zab.history.confirmed);
  }

  // Roles

  private enterRole(role: Role, leader: number, epoch: number): void {
    this.leaveRole();
    this.roleSinceMs = this.options.clock.monotonicMs();
    switch (role) {
      case 'looking':
        break;
      case 'leading':
        this.options.log.info('leading', { epoch });
        this.leaderService = this.newLeaderService();
        if (this.leaderServes) this.clients.begin(this.leaderService, epoch);
        break;
      case 'following':
      case 'observing':
        this.options.log.info(role, { leader, epoch });
        this.learnerService = new LearnerService(
          (message) => this.step({ type: 'toLeader', message }),
          this.clients,
        );
        this.clients.begin(this.learnerService, epoch);
        break;
      default:
        assertNever(role, 'role');
    }
    this.options.hooks.onRole?.(role, leader, epoch);
  }

  /** leaderServes=no keeps clients off a leader that has others to serve them. */
  private get leaderServes(): boolean {
    return this.config.leaderServes || this.config.servers.length <= 1;
  }

  private leaveRole(): void {
    this.clients.end();
    this.leaderService?.end();
    this.leaderService = null;
    this.learnerService = null;
  }

  private newLeaderService(): LeaderService {
    const { config, clock, log } = this.options;
    const proposer: Proposer = {
      nextZxid: () => this.zab.nextZxid(),
      propose: (zxid, txn) => this.step({ type: 'propose', zxid, txn }),
      sync: (token) => this.step({ type: 'sync', token }),
      send: (link, message) => this.net?.send(link, message),
      resign: (reason) => this.step({ type: 'resign', reason }),
    };
    return new LeaderService({
      sid: config.sid,
      tickTimeMs: config.tickTimeMs,
      skipAcl: config.skipAcl,
      hasTtlNodes: config.extendedTypesEnabled,
      hasQuotas: config.enforceQuota,
      containers: config.containers,
      replica: this.replica,
      proposer,
      clients: this.clients,
      clock,
      log,
    });
  }

  // Snapshots from the leader

  private installSnapshot(output: Extract<Output, { readonly type: 'installSnapshot' }>): void {
    const { token, replay } = output;
    const tree = output.image as DataTree;
    const fuzzy = new FuzzyReplay(tree);
    for (const entry of replay) {
      const { header, txn } = decodeTxn(entry.txn);
      fuzzy.apply(header, txn);
    }
    if (replay.length > 0) tree.quotas.rebuild();
    if (this.config.mode === 'replicated') {
      tree.setConfig(configText(this.config), this.config.configVersion);
    }
    this.staged = { token, tree };
    this.store.writeTree(tree, (error) => {
      if (error !== null) this.storageFailed(ExitCode.snapshotIo, error);
      else this.step({ type: 'snapshotInstalled', token });
    });
  }

  private adoptSnapshot(token: number): void {
    const { staged } = this;
    invariant(staged?.token === token, 'the adopted tree is the staged one', { token });
    this.staged = null;
    this.replica.replace(staged.tree);
    this.options.hooks.onTreeReplaced?.();
  }

  // The end

  /** A failed write or flush is never retried: nobody knows what is on the medium. */
  private storageFailed(exitCode: ExitCode, error: Error): void {
    this.options.log.error('storage failed; this peer stops', { error: error.message });
    this.halt(exitCode, `storage failed: ${error.message}`);
  }

  private halt(exitCode: ExitCode, reason: string): void {
    if (this.isHalted) return;
    this.isHalted = true;
    this.cancelTick?.();
    this.leaderService?.end();
    // Others see the connections go before this process has written its last words.
    Promise.all([this.net?.close(), this.clientPort?.close()]).catch((error: unknown) => {
      this.options.log.error('closing after a halt failed', { error: String(error) });
    });
    this.options.hooks.onHalt(exitCode, reason);
  }
}

/** ZooKeeper's share of the limit for one server (Leader and followers divide it). */
function outstandingMax(config: PeerConfig, participants: number): number {
  const limit = config.globalOutstandingLimit;
  return participants > 2 ? Math.max(1, Math.floor(limit / (participants - 1))) : limit;
}
