/**
 * What a test may do to an ensemble, whoever its servers are. ApacheEnsemble, PicketEnsemble and
 * MixedEnsemble all fit it, so one scenario runs against the original, against ours, and against
 * both in one. Servers are named by their sid, 1..n.
 */
import { serverReport } from './four-letter.ts';
import { until } from './processes.ts';

export interface EnsembleServer {
  readonly sid: number;
  readonly observer: boolean;
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
  /** Holds zoo.cfg, data/ and what the server wrote. */
  readonly dir: string;
}

export interface Ensemble {
  readonly servers: readonly EnsembleServer[];
  /** `127.0.0.1:port,...` in the order of sids. */
  readonly connectString: string;
  server(sid: number): EnsembleServer;
  pid(sid: number): number | undefined;
  /** Sends a signal; resolves when the process has ended (SIGSTOP and SIGCONT: at once). */
  kill(sid: number, signal?: NodeJS.Signals): Promise<void>;
  /**
   * Starts an ended server again on its data and ports; waits until it serves unless told not to.
   */
  restart(sid: number, wait?: boolean): Promise<void>;
  /** leader, follower, observer, standalone; undefined while it does not serve. */
  mode(sid: number): Promise<string | undefined>;
  leader(): Promise<number | undefined>;
  /** Resolves when each of `sids` (default: all) serves. */
  serving(sids?: number[]): Promise<void>;
  /** The last lines of what a server wrote. */
  log(sid: number, lines?: number): string;
  stop(): Promise<void>;
}

const LEADER_TIMEOUT_MS = 30_000;
const CATCH_UP_TIMEOUT_MS = 30_000;

export function hostPort(server: EnsembleServer): string {
  return `127.0.0.1:${server.clientPort}`;
}

/** The connect string of some servers, in the order given. */
export function connectStringOf(ensemble: Ensemble, sids: readonly number[]): string {
  return sids.map((sid) => hostPort(ensemble.server(sid))).join(',');
}

/** Waits until some server leads, other than `except`. */
export function awaitLeader(ensemble: Ensemble, except?: number): Promise<number> {
  return until('a leader', LEADER_TIMEOUT_MS, async () => {
    const leader = await ensemble.leader();
    return leader === except ? undefined : leader;
  });
}

/** Waits until all `sids` (default: every server) serve and report one and the same zxid. */
export async function awaitEqualZxids(ensemble: Ensemble, sids?: readonly number[]): Promise<void> {
  const asked = sids ?? ensemble.servers.map((server) => server.sid);
  await until(`servers ${asked.join(', ')} to reach one zxid`, CATCH_UP_TIMEOUT_MS, async () => {
    const reports = await Promise.all(
      asked.map((sid) => serverReport(ensemble.server(sid).clientPort)),
    );
    return reports.every((report) => report !== undefined && report.zxid === reports[0]?.zxid);
  });
}

/** The tails of all logs, for the message of a failure. */
export function logsOf(ensemble: Ensemble, lines = 60): string {
  return ensemble.servers
    .map((server) => `--- server ${server.sid}:\n${ensemble.log(server.sid, lines)}`)
    .join('\n');
}
