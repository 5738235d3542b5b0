/**
 * Every way in which the process can end. Numbers below 20 are ZooKeeper's where the meaning is the
 * same, so that units and scripts written for it keep working; from 20 on they are ours. README.md
 * lists all of them and a test compares.
 */

export const ExitCode = {
  /** Stopped because it was asked to. */
  ok: 0,
  /** An error nobody thought of; the log has the stack. */
  unexpected: 1,
  /** Wrong arguments, or a configuration that cannot be used. */
  invalidInvocation: 2,
  /** dataDir or dataLogDir is missing and cannot be made, or cannot be read or written. */
  dataDir: 3,
  /** The metrics port cannot be bound; ZooKeeper's code for its admin server. */
  adminPort: 4,
  /** A snapshot could not be written or read. */
  snapshotIo: 10,
  /** A COMMIT does not belong to the oldest pending proposal. */
  unmatchedCommit: 12,
  /** The leader's stream cannot be understood, or history could not be truncated as it asks. */
  badQuorumPacket: 13,
  /** The election port cannot be bound. */
  electionPort: 14,
  /** The journal is damaged before its tail. */
  journalDamaged: 20,
  /** A write or flush of the journal failed, or the medium is full. */
  journalIo: 21,
  /** Another process uses the same data directory. */
  dataDirInUse: 22,
  /** The client port cannot be bound. */
  clientPort: 23,
  /** The quorum port cannot be bound. */
  quorumPort: 24,
  /** A condition that must always hold does not: a bug, or memory that lies. */
  invariantBroken: 25,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface ExitCodeEntry {
  readonly code: ExitCode;
  readonly name: keyof typeof ExitCode;
  readonly meaning: string;
  readonly remedy: string;
}

/** For `picket --help`, for the log line before the exit, and for README.md. */
export const exitCodeTable: readonly ExitCodeEntry[] = [
  row('ok', 'stopped because it was asked to', 'none needed'),
  row('unexpected', 'an error nobody thought of', 'report it, with the stack from the log'),
  row(
    'invalidInvocation',
    'wrong arguments or an unusable configuration',
    'correct what the message names; `picket check FILE` shows every problem at once',
  ),
  row(
    'dataDir',
    'the data directory cannot be made, read or written',
    'check path, owner, permissions and that the medium is mounted',
  ),
  row(
    'adminPort',
    'the metrics port is taken or not allowed',
    'free the port or change metricsProvider.httpPort',
  ),
  row(
    'snapshotIo',
    'a snapshot could not be written or read',
    'check free space and the medium; the journal is intact',
  ),
  row(
    'unmatchedCommit',
    'the leader committed something other than the oldest pending proposal',
    'restart: the peer synchronises afresh; if it comes back, report it',
  ),
  row(
    'badQuorumPacket',
    'the leader sent something unintelligible, or a truncation failed',
    'check that all servers run compatible versions; restart',
  ),
  row(
    'electionPort',
    'the election port is taken or not an address of this board',
    'check the server line of this sid and who else listens there',
  ),
  row(
    'journalDamaged',
    'the journal is damaged before its tail',
    'do not start again on it; replace the medium, then rejoin with an empty data directory',
  ),
  row(
    'journalIo',
    'a write or flush of the journal failed, or the medium is full',
    'free space or replace the medium; what was not flushed was never acknowledged',
  ),
  row(
    'dataDirInUse',
    'another process uses this data directory',
    'stop the other server, or give this one its own dataDir',
  ),
  row(
    'clientPort',
    'the client port is taken or not allowed',
    'free the port or change clientPort',
  ),
  row(
    'quorumPort',
    'the quorum port is taken or not an address of this board',
    'check the server line of this sid and who else listens there',
  ),
  row(
    'invariantBroken',
    'a condition that must always hold does not',
    'report it with the facts in the log; test the memory of the board if it comes back',
  ),
];

function row(name: keyof typeof ExitCode, meaning: string, remedy: string): ExitCodeEntry {
  return { code: ExitCode[name], name, meaning, remedy };
}
