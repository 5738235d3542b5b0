/**
 * The peer's two ports to its ensemble, translated: what arrives becomes an input of the Zab core,
 * and the core's dials, sends and closes become connections.
 */

import { LIMITS, limitsFor } from '../core/limits.ts';
import type { Log } from '../core/log-sink.ts';
import type { DataTree } from '../core/tree/data-tree.ts';
import { TreeImage } from '../core/tree/tree-image.ts';
import type { Input } from '../core/zab/inputs.ts';
import type { ZabMessage } from '../core/zab/messages.ts';
import type { Notification } from '../core/zab/vote.ts';
import { ElectionPort } from '../net/election-port.ts';
import { QuorumPort } from '../net/quorum-port.ts';
import type { PeerConfig, ServerSpec } from './config/peer-config.ts';
import { ExitCode } from './exit-codes.ts';
import { HaltError } from './halt.ts';

export interface EnsembleNetOptions {
  readonly config: PeerConfig;
  readonly log: Log;
  readonly onInput: (input: Input) => void;
}

export class EnsembleNet {
  private readonly election: ElectionPort;
  private readonly quorum: QuorumPort;
  private readonly onInput: (input: Input) => void;
  /** Links that this peer has dialled and that are not up yet, with the core's attempt. */
  private readonly dials = new Map<number, number>();

  constructor(options: EnsembleNetOptions) {
    const { config, log } = options;
    const own = ownSpec(config);
    this.onInput = options.onInput;
    const others = config.servers.filter((server) => server.sid !== config.sid);
    const listenHost = config.quorumListenOnAllIps ? '' : own.host;
    this.election = new ElectionPort({
      sid: config.sid,
      listenHost,
      listenPort: own.electionPort,
      electionAddress: formatAddress(own.host, own.electionPort),
      peers: addressesOf(others, (server) => server.electionPort),
      cnxTimeoutMs: config.cnxTimeoutMs,
      handlers: {
        onNotification: (from, notification) => {
          this.onInput({ type: 'notification', from, notification });
        },
        onLinkUp: (sid) => this.onInput({ type: 'electionLink', sid, isUp: true }),
        onLinkDown: (sid) => this.onInput({ type: 'electionLink', sid, isUp: false }),
      },
      log,
    });
    this.quorum = new QuorumPort({
      sid: config.sid,
      listenHost,
      listenPort: own.quorumPort,
      peers: addressesOf(others, (server) => server.quorumPort),
      cnxTimeoutMs: config.cnxTimeoutMs,
      packetBytesMax: config.juteMaxBufferBytes + LIMITS.packetExtraBytes,
      outboundBytesMax: limitsFor(config.juteMaxBufferBytes).learnerOutboundBytesMax,
      learnersMax: LIMITS.learnersMax,
      newImage: () => new TreeImage(),
      handlers: {
        onAccept: (link) => this.onInput({ type: 'linkAccepted', link }),
        onUp: (link) => this.dialled(link),
        onMessage: (link, message) => this.onInput({ type: 'message', link, message }),
        onActive: (link) => this.onInput({ type: 'linkActive', link }),
        onDown: (link, reason) => this.down(link, reason),
      },
      log,
    });
  }

  /** Throws HaltError with the port's exit code when one cannot be bound. */
  async start(): Promise<void> {
    await bind(ExitCode.electionPort, this.election.start());
    await bind(ExitCode.quorumPort, this.quorum.start());
    this.quorum.accepting = true;
  }

  notify(to: number, notification: Notification): void {
    this.election.send(to, notification);
  }

  dial(sid: number, attempt: number): void {
    this.dials.set(this.quorum.dial(sid), attempt);
  }

  send(link: number, message: ZabMessage): void {
    this.quorum.send(link, message);
  }

  sendSnapshot(link: number, tree: DataTree): void {
    const walk = tree.startWalk();
    this.quorum.sendSnapshot(link, walk.zxid, {
      zxid: walk.zxid,
      sessions: walk.sessions,
      acls: tree.aclLists(),
      next: (limit) => walk.next(limit),
      close: () => walk.close(),
    });
  }

  closeLink(link: number): void {
    this.dials.delete(link);
    this.quorum.close(link);
  }

  async close(): Promise<void> {
    await Promise.all([this.election.close(), this.quorum.closeAll()]);
  }

  private dialled(link: number): void {
    const attempt = this.dials.get(link);
    this.dials.delete(link);
    if (attempt === undefined) this.quorum.close(link);
    else this.onInput({ type: 'linkUp', attempt, link });
  }

  private down(link: number, reason: string): void {
    const attempt = this.dials.get(link);
    this.dials.delete(link);
    if (attempt === undefined) this.onInput({ type: 'linkDown', link, reason });
    else this.onInput({ type: 'dialFailed', attempt, reason });
  }
}

function ownSpec(config: PeerConfig): ServerSpec {
  const own = config.servers.find((server) => server.sid === config.sid);
  if (own === undefined) {
    throw new HaltError(ExitCode.invalidInvocation, `there is no server.${config.sid} line`);
  }
  return own;
}

function addressesOf(
  servers: readonly ServerSpec[],
  portOf: (server: ServerSpec) => number,
): Map<number, { host: string; port: number }> {
  return new Map(
    servers.map((server) => [server.sid, { host: server.host, port: portOf(server) }]),
  );
}

function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

async function bind(exitCode: ExitCode, listening: Promise<void>): Promise<void> {
  try {
    await listening;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new HaltError(exitCode, message, { cause: error });
  }
}
