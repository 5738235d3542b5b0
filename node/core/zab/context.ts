/**
 * What the roles of a peer share: its configuration, its history, the present time and the list
 * that collects the outputs of the step in progress.
 */
import type { Facts } from '../invariant.ts';
import type { Zxid } from '../zxid.ts';
import type { History } from './history.ts';
import type { JournalRecord } from './journal-record.ts';
import type { ZabMessage } from './messages.ts';
import type { HaltCause, Output } from './outputs.ts';
import type { QuorumVerifier } from './quorum-verifier.ts';

export interface ZabConfig {
  readonly sid: number;
  readonly isObserver: boolean;
  readonly verifier: QuorumVerifier;
  /** The quorum configuration as text, with its `version=` line. */
  readonly configText: string;
  readonly tickTimeMs: number;
  readonly initLimitTicks: number;
  readonly syncLimitTicks: number;
  /** How long a learner tries to reach its leader, in ticks. */
  readonly connectLimitTicks: number;
  readonly notificationMinMs: number;
  readonly notificationMaxMs: number;
  readonly finalizeWaitMs: number;
}

/** The version that learners and leaders state since ZooKeeper 3.4. */
export const PROTOCOL_VERSION = 0x10000;

export class ZabContext {
  readonly config: ZabConfig;
  readonly history: History;
  nowMs = 0;
  private outputs: Output[] = [];
  private lastToken = 0;

  constructor(config: ZabConfig, history: History) {
    this.config = config;
    this.history = history;
  }

  get initLimitMs(): number {
    return this.config.initLimitTicks * this.config.tickTimeMs;
  }

  get syncLimitMs(): number {
    return this.config.syncLimitTicks * this.config.tickTimeMs;
  }

  put(output: Output): void {
    this.outputs.push(output);
  }

  send(link: number, message: ZabMessage): void {
    this.outputs.push({ type: 'send', link, message });
  }

  close(link: number, reason: string): void {
    this.outputs.push({ type: 'close', link, reason });
  }

  /** Appends to the journal; the token comes back with `durable`. */
  append(records: readonly JournalRecord[]): number {
    this.lastToken += 1;
    const token = this.lastToken;
    this.outputs.push({ type: 'append', records, committed: this.history.confirmed, token });
    return token;
  }

  nextToken(): number {
    this.lastToken += 1;
    return this.lastToken;
  }

  /** Records the promise to follow no leader of an epoch before `epoch`. */
  promise(epoch: number): number {
    this.history.acceptedEpoch = Math.max(this.history.acceptedEpoch, epoch);
    return this.append([{ type: 'promise', epoch }]);
  }

  commitTo(zxid: Zxid): void {
    const entries = this.history.commitTo(zxid);
    if (entries.length > 0) this.outputs.push({ type: 'apply', entries });
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, facts: Facts = {}): void {
    this.outputs.push({ type: 'log', level, text, facts });
  }

  halt(cause: HaltCause, text: string, facts: Facts): void {
    this.outputs.push({ type: 'halt', cause, text, facts });
  }

  takeOutputs(): Output[] {
    const taken = this.outputs;
    this.outputs = [];
    return taken;
  }
}
