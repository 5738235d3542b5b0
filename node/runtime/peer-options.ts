/**
 * What a peer is started with, and what it tells whoever has started it.
 */
import type { Log } from '../core/log-sink.ts';
import type { Role } from '../core/zab/outputs.ts';
import type { Disk } from '../log/disk.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import type { Clock } from './clock.ts';
import type { PeerConfig } from './config/peer-config.ts';
import type { ExitCode } from './exit-codes.ts';
import type { ChangeListener } from './replica.ts';

export interface PeerHooks {
  /**
   * The client port received this word, and `argument` with it; `answer` ends the connection with
   * the text.
   */
  readonly onFourLetterWord: (connection: ClientConnection, word: string, argument: Buffer) => void;
  readonly onRole?: (role: Role, leader: number, epoch: number) => void;
  readonly onChange?: ChangeListener;
  /** The tree was replaced as a whole: changes before it were not announced. */
  readonly onTreeReplaced?: () => void;
  /** The peer has stopped for a reason: the process must end with this code. */
  readonly onHalt: (exitCode: ExitCode, reason: string) => void;
}

export interface PeerRuntimeOptions {
  readonly config: PeerConfig;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly fourLetterWords: ReadonlySet<string>;
  readonly hooks: PeerHooks;
}
