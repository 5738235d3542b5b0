/**
 * The quorum configuration as text: what stands in /zookeeper/config, in notifications of the
 * election and in the answer to `conf`. Apache servers parse it, so it is theirs to the byte.
 */
import { createQuorumVerifier, type QuorumVerifier } from '../../core/zab/quorum-verifier.ts';
import type { Membership, PeerConfig, ServerSpec } from './peer-config.ts';

/**
 * `server.N=…` lines, then `group.N=…` and `weight.N=…` where there are groups, then `version=` in
 * hexadecimal without a newline. In order of sid, as ZooKeeper has it for sids below 16 (beyond, it
 * prints a hash table; configurations are compared by content). Empty for a standalone server.
 */
export function configText(config: Membership & Pick<PeerConfig, 'mode'>): string {
  if (config.mode === 'standalone') return '';
  const lines = bySid(config.servers).map((server) => `server.${server.sid}=${serverText(server)}`);
  for (const [group, members] of byNumber(config.groups)) {
    lines.push(`group.${group}=${[...members].sort((a, b) => a - b).join(':')}`);
  }
  for (const [sid, weight] of byNumber(config.weights)) lines.push(`weight.${sid}=${weight}`);
  lines.push(`version=${config.configVersion.toString(16)}`);
  return lines.join('\n');
}

/** Which sets of this ensemble are a quorum. A standalone server is an ensemble of itself. */
export function quorumVerifierOf(config: PeerConfig): QuorumVerifier {
  const { servers, groups, weights, configVersion: version, mode, sid } = config;
  if (mode === 'standalone') {
    const alone = { version, participants: [sid], observers: [] };
    return createQuorumVerifier({ ...alone, groups: new Map(), weights: new Map() });
  }
  const sidsOf = (role: ServerSpec['role']): number[] =>
    servers.filter((server) => server.role === role).map((server) => server.sid);
  const participants = sidsOf('participant');
  const observers = sidsOf('observer');
  return createQuorumVerifier({ version, participants, observers, groups, weights });
}

function serverText(server: ServerSpec): string {
  const { host, quorumPort, electionPort, role, clientHost = '0.0.0.0', clientPort } = server;
  const client = clientPort === undefined ? '' : `;${bracketed(clientHost)}:${clientPort}`;
  return `${bracketed(host)}:${quorumPort}:${electionPort}:${role}${client}`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function bySid(servers: readonly ServerSpec[]): ServerSpec[] {
  return [...servers].sort((a, b) => a.sid - b.sid);
}

function byNumber<Value>(map: ReadonlyMap<number, Value>): Array<[number, Value]> {
  return [...map].sort(([a], [b]) => a - b);
}
