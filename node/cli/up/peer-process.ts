/**
 * One peer of `picket up`: a `picket server` process, in a process group of its own so that Ctrl-C
 * reaches only `picket up`, which then stops the peers in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import type { PeerPlan } from './plan.ts';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class PeerProcess {
  readonly peer: PeerPlan;
  /** Resolves when the process has ended, or could not be started. */
  readonly ended: Promise<ProcessEnd>;
  private readonly child: ChildProcess;
  private hasEnded = false;

  /** Starts `command` with its output appended to the peer's log. */
  constructor(peer: PeerPlan, command: readonly string[]) {
    this.peer = peer;
    const [program = '', ...args] = command;
    const log = fs.openSync(peer.logFile, 'a');
    this.child = spawn(program, args, { stdio: ['ignore', log, log], detached: true });
    fs.closeSync(log);
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.hasEnded = true;
        resolve({ code, signal });
      };
      this.child.once('exit', end);
      this.child.once('error', () => end(null, null));
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get isRunning(): boolean {
    return !this.hasEnded;
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.hasEnded) this.child.kill(signal);
  }
}
