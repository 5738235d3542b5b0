/**
 * A client of ZooKeeper's protocol, for any server that speaks it. Every method sends its request
 * at once and returns a promise; requests are answered in the order in which they were made, and a
 * watch event is delivered before the reply that could show the change. A promise rejects with
 * ZooKeeperError; ConnectionLoss means that a write may or may not have happened.
 */
import { ErrorCode } from '../core/request/error-code.ts';
import { OpCode } from '../core/request/op-code.ts';
import { CreateMode, type MultiOp, type Request } from '../core/request/requests.ts';
import type { AclList } from '../core/tree/acl.ts';
import type { Stat } from '../core/tree/stat.ts';
import type { Data } from '../core/tree/txn.ts';
import type { TxnResult } from '../core/tree/txn-result.ts';
import type { JuteReader } from '../jute/reader.ts';
import {
  type Created,
  decodeCreate2Reply,
  decodeEmptyReply,
  decodeGetAclReply,
  decodeGetChildren2Reply,
  decodeGetChildrenReply,
  decodeGetDataReply,
  decodeMultiReply,
  decodePathReply,
  decodeStatReply,
  decodeWatcherEvent,
  type NodeAcl,
  type NodeChildren,
} from '../jute/reply-decoder.ts';
import { hasCode, ZooKeeperError } from './client-error.ts';
import {
  type CreateOptions,
  SESSION_TIMEOUT_MS_DEFAULT,
  shuffled,
  type ZooKeeperClientOptions,
} from './client-options.ts';
import { pathProblem, prependChroot, stripChroot } from './client-path.ts';
import { ClientSession, type ClientState, type SessionEvent } from './client-session.ts';
import { parseConnectString } from './connect-string.ts';
import { bytesOf, createRequest, isSequentialMode } from './create-request.ts';
import { MultiError } from './multi-error.ts';
import {
  type WatchEvent,
  type WatchEventType,
  type Watcher,
  type WatchKind,
  WatchRegistry,
} from './watch-registry.ts';

export interface DataAndStat {
  readonly data: Buffer | null;
  readonly stat: Stat;
}

/** A watcher of its own, or `true` for the client's default watcher. */
export type Watch = Watcher | boolean;

/** As the Java client: large sets of watches go in several requests. */
const SET_WATCHES_BYTES_MAX = 128 * 1024;
const EVENT_TYPES = new Map<number, WatchEventType>([
  [1, 'NodeCreated'],
  [2, 'NodeDeleted'],
  [3, 'NodeDataChanged'],
  [4, 'NodeChildrenChanged'],
]);

export class ZooKeeperClient {
  private readonly chroot: string;
  private readonly session: ClientSession;
  private readonly watches = new WatchRegistry();
  private readonly onState: (event: SessionEvent) => void;
  private readonly defaultWatcher: Watcher;
  private readonly connecting = new Set<() => void>();

  /** Throws an Error on a connect string that is not one. Nothing is dialled before `connect`. */
  constructor(options: ZooKeeperClientOptions) {
    const { hosts, chroot } = parseConnectString(options.connectString);
    this.chroot = chroot;
    this.onState = options.onState ?? (() => undefined);
    const { onWatch } = options;
    this.defaultWatcher = (event) => onWatch?.(event);
    this.session = new ClientSession({
      hosts: (options.shuffle ?? shuffled)(hosts),
      sessionTimeoutMs: options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS_DEFAULT,
      readOnly: options.readOnly ?? false,
      random: Math.random,
      onEvent: (event) => this.onSessionEvent(event),
      onConnectFailure: (server, reason) => {
        queueMicrotask(() => options.onConnectFailure?.(server, reason));
      },
      onNotification: (body) => this.onNotification(body),
      watchesSince: (zxid) => this.watchesSince(zxid),
    });
  }

  get state(): ClientState {
    return this.session.state;
  }

  /** 0 before the first server has answered. */
  get sessionId(): bigint {
    return this.session.sessionId.toBigInt();
  }

  /** The session timeout that the server has granted. */
  get sessionTimeoutMs(): number {
    return this.session.timeoutMs;
  }

  /** `host:port` of the server behind the present connection. */
  get server(): string | undefined {
    return this.session.server;
  }

  /**
   * Begins to dial and resolves when a server has taken the session. Rejects with ConnectionLoss
   * when none has within one session timeout; the client then goes on trying until `close`.
   */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        if (this.state === 'CONNECTING' || this.state === 'NOT_CONNECTED') return;
        clearTimeout(timer);
        this.connecting.delete(settle);
        if (this.state === 'CLOSED') reject(new ZooKeeperError(ErrorCode.sessionExpired));
        else if (this.state === 'AUTH_FAILED') reject(new ZooKeeperError(ErrorCode.authFailed));
        else resolve();
      };
      const timer = setTimeout(() => {
        this.connecting.delete(settle);
        reject(new ZooKeeperError(ErrorCode.connectionLoss));
      }, this.session.timeoutMs);
      this.connecting.add(settle);
      this.session.open();
      settle();
    });
  }

  /** Ends the session: its ephemerals go, its watches too. Always settles; safe to repeat. */
  close(): Promise<void> {
    return this.session.close();
  }

  /** Resolves to the path, with the suffix of a sequential znode. */
  create(path: string, data: Data | string, options: CreateOptions = {}): Promise<string> {
    const request = createRequest(OpCode.create, this.prepend(path), data, options);
    if (request.type === OpCode.create) {
      return this.call(request, path, (body) => this.strip(decodePathReply(body)));
    }
    return this.call(request, path, (body) => this.strip(decodeCreate2Reply(body).path));
  }

  create2(path: string, data: Data | string, options: CreateOptions = {}): Promise<Created> {
    const request = createRequest(OpCode.create2, this.prepend(path), data, options);
    return this.call(request, path, (body) => {
      const created = decodeCreate2Reply(body);
      return { path: this.strip(created.path), stat: created.stat };
    });
  }

  /** `version` -1 is any version, here and below. */
  delete(path: string, version = -1): Promise<void> {
    return this.call(
      { type: OpCode.delete, path: this.prepend(path), version },
      path,
      decodeEmptyReply,
    );
  }

  /** Resolves to null when the znode is not there; a watch is set in either case. */
  exists(path: string, watch: Watch = false): Promise<Stat | null> {
    return this.watchingCall(OpCode.exists, path, watch, 'data', decodeStatReply).catch((error) => {
      if (hasCode(error, ErrorCode.noNode)) return null;
      throw error;
    });
  }

  getData(path: string, watch: Watch = false): Promise<DataAndStat> {
    return this.watchingCall(OpCode.getData, path, watch, 'data', (body) => {
      const { data, stat } = decodeGetDataReply(body);
      // A copy: the view would keep a whole chunk of the connection in memory.
      return { data: data === null ? null : Buffer.from(data), stat };
    });
  }

  setData(path: string, data: Data | string, version = -1): Promise<Stat> {
    const request = {
      type: OpCode.setData,
      path: this.prepend(path),
      data: bytesOf(data),
      version,
    } as const;
    return this.call(request, path, decodeStatReply);
  }

  /** The names of the children, in no particular order. */
  getChildren(path: string, watch: Watch = false): Promise<string[]> {
    return this.watchingCall(OpCode.getChildren, path, watch, 'child', decodeGetChildrenReply);
  }

  getChildren2(path: string, watch: Watch = false): Promise<NodeChildren> {
    return this.watchingCall(OpCode.getChildren2, path, watch, 'child', decodeGetChildren2Reply);
  }

  getAcl(path: string): Promise<NodeAcl> {
    return this.call({ type: OpCode.getAcl, path: this.prepend(path) }, path, decodeGetAclReply);
  }

  /** `version` is compared with the version of the list (`aversion`). */
  setAcl(path: string, acl: AclList, version = -1): Promise<Stat> {
    const request = { type: OpCode.setAcl, path: this.prepend(path), acl, version } as const;
    return this.call(request, path, decodeStatReply);
  }

  /** After it, reads on this client show at least what was committed when it was called. */
  sync(path: string): Promise<string> {
    return this.call({ type: OpCode.sync, path: this.prepend(path) }, path, (body) =>
      this.strip(decodePathReply(body)),
    );
  }

  /** All or nothing: rejects with MultiError, which says which operation failed, and how. */
  multi(ops: readonly MultiOp[]): Promise<TxnResult[]> {
    for (const op of ops) {
      const refusal = badPath(op.path, 'flags' in op ? op.flags : CreateMode.persistent);
      if (refusal !== undefined) return Promise.reject(refusal);
    }
    const prefixed = ops.map((op) => ({ ...op, path: this.prepend(op.path) }));
    return this.call({ type: OpCode.multi, ops: prefixed }, undefined, (body) => {
      const results = decodeMultiReply(body).map((result) => ({
        ...result,
        path: result.path === null ? null : this.strip(result.path),
      }));
      const failure = MultiError.of(ops, results);
      if (failure !== undefined) throw failure;
      return results;
    });
  }

  /** Resolves when the server has accepted it; a refusal ends the session (AuthFailed). */
  addAuth(scheme: string, auth: Data | string): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = { type: OpCode.auth, scheme, auth: bytesOf(auth) } as const;
      this.session.authenticate(request, resolve, reject);
    });
  }

  private call<T>(
    request: Request,
    path: string | undefined,
    decode: (body: JuteReader) => T,
    onErr?: (err: number) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const flags = 'flags' in request ? request.flags : CreateMode.persistent;
      const refusal = path === undefined ? undefined : badPath(path, flags);
      if (refusal !== undefined) {
        reject(refusal);
        return;
      }
      this.session.submit(
        request,
        path,
        (err, body) => {
          onErr?.(err);
          if (err === 0) settle(() => decode(body), resolve, reject);
          else reject(new ZooKeeperError(err, path));
        },
        reject,
      );
    });
  }

  private watchingCall<T>(
    type: typeof OpCode.exists | typeof OpCode.getData | WatchingChildren,
    path: string,
    watch: Watch,
    kind: WatchKind,
    decode: (body: JuteReader) => T,
  ): Promise<T> {
    const request = { type, path: this.prepend(path), watch: watch !== false } as const;
    if (watch === false) return this.call(request, path, decode);
    const watcher = watch === true ? this.defaultWatcher : watch;
    return this.call(request, path, decode, (err) => {
      // The server keeps a watch only where it answered so: registered as the reply is read, so
      // that an event right behind it finds the watcher.
      if (err === 0) this.watches.add(kind, path, watcher);
      else if (err === ErrorCode.noNode && type === OpCode.exists) {
        this.watches.add('exist', path, watcher);
      }
    });
  }

  private onSessionEvent(event: SessionEvent): void {
    if (event === 'Expired' || event === 'Closed' || event === 'AuthFailed') this.watches.clear();
    // A microtask of its own, as with every callback of the user: what it throws is the user's to
    // see (as an uncaught error), and must not end the connection half way through a frame.
    queueMicrotask(() => this.onState(event));
    for (const settle of [...this.connecting]) settle();
  }

  private onNotification(body: JuteReader): void {
    const { type, path } = decodeWatcherEvent(body);
    const eventType = EVENT_TYPES.get(type);
    // Later kinds of watches have further types; this client never asks for them.
    if (eventType === undefined) return;
    const event: WatchEvent = { type: eventType, path: this.strip(path) };
    for (const watcher of this.watches.take(event)) queueMicrotask(() => watcher(event));
  }

  private watchesSince(relativeZxid: number): Request[] {
    return this.watches
      .batches((path) => this.prepend(path), SET_WATCHES_BYTES_MAX)
      .map((paths) => ({
        type: OpCode.setWatches,
        relativeZxid,
        ...paths,
        persistentWatches: [],
        recursiveWatches: [],
      }));
  }

  private prepend(path: string): string {
    return prependChroot(this.chroot, path);
  }

  private strip(path: string): string {
    return stripChroot(this.chroot, path);
  }
}

type WatchingChildren = typeof OpCode.getChildren | typeof OpCode.getChildren2;

/**
 * Checked here and not only by the server: behind a chroot a path without its first slash would
 * name a znode outside it.
 */
function badPath(path: string, flags: number): ZooKeeperError | undefined {
  const problem = pathProblem(path, isSequentialMode(flags));
  if (problem === undefined) return undefined;
  return new ZooKeeperError(ErrorCode.badArguments, path, { cause: new Error(problem) });
}

/** A reply that says "failed" in its body rejects; one that cannot be read is the connection's. */
function settle<T>(
  decode: () => T,
  resolve: (value: T) => void,
  reject: (error: ZooKeeperError) => void,
): void {
  try {
    resolve(decode());
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error;
    reject(error);
  }
}
