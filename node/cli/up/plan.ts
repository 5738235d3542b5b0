/**
 * What `picket up` is going to run: ports, directories and configurations of a local ensemble, all
 * derived from the number of peers, the directory and the first client port.
 *
 * With the base port 2181 the ports are the usual ones: clients from 2181, quorum from 2888,
 * election from 3888, MQTT 1883. Another base port moves all of them by the same distance.
 */
import path from 'node:path';
import { UpError } from './up-error.ts';

export const PEERS_MAX = 7;
const QUORUM_OFFSET = 707;
const ELECTION_OFFSET = 1707;
const MQTT_OFFSET = -298;
/** Below it, the MQTT port would be a privileged one. */
export const BASE_PORT_MIN = 1024 - MQTT_OFFSET;
export const BASE_PORT_MAX = 65_535 - ELECTION_OFFSET - PEERS_MAX;

export interface UpOptions {
  readonly peers: number;
  readonly dir: string;
  readonly basePort: number;
}

export interface PeerPlan {
  readonly sid: number;
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly dataDir: string;
  readonly configFile: string;
  readonly logFile: string;
}

export interface UpPlan {
  /** Absolute, as are all paths of the peers. */
  readonly dir: string;
  readonly peers: readonly PeerPlan[];
  readonly mqttPort: number;
  readonly mqttUrl: string;
  /** `127.0.0.1:2181,...` for clients. */
  readonly connectString: string;
}

export interface PlannedPort {
  readonly port: number;
  readonly purpose: string;
}

/** Throws UpError for what cannot be run. */
export function makePlan({ peers, dir, basePort }: UpOptions): UpPlan {
  if (!Number.isInteger(peers) || peers < 1 || peers > PEERS_MAX) {
    throw UpError.usage(
      `--peers ${peers}: an ensemble here has 1 to ${PEERS_MAX} peers; try 3 or 5`,
    );
  }
  if (!Number.isInteger(basePort) || basePort < BASE_PORT_MIN || basePort > BASE_PORT_MAX) {
    const range = `${BASE_PORT_MIN} to ${BASE_PORT_MAX}`;
    throw UpError.usage(
      `--base-port ${basePort}: must be ${range}, so that all ports fit; try 2181`,
    );
  }
  const root = path.resolve(dir);
  const plans = Array.from({ length: peers }, (_, i) => planPeer(root, i + 1, basePort));
  const mqttPort = basePort + MQTT_OFFSET;
  return {
    dir: root,
    peers: plans,
    mqttPort,
    mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
    connectString: plans.map((peer) => `127.0.0.1:${peer.clientPort}`).join(','),
  };
}

export function portsOf(plan: UpPlan): PlannedPort[] {
  const ports: PlannedPort[] = [{ port: plan.mqttPort, purpose: 'MQTT broker' }];
  for (const peer of plan.peers) {
    ports.push({ port: peer.clientPort, purpose: `client port of peer ${peer.sid}` });
    if (plan.peers.length === 1) continue;
    ports.push({ port: peer.quorumPort, purpose: `quorum port of peer ${peer.sid}` });
    ports.push({ port: peer.electionPort, purpose: `election port of peer ${peer.sid}` });
  }
  return ports;
}

/** How many peers make a majority. */
export function majorityOf(plan: UpPlan): number {
  return Math.floor(plan.peers.length / 2) + 1;
}

export function zooCfg(plan: UpPlan, peer: PeerPlan): string {
  const lines = [
    '# Written by `picket up` each time it starts; a change made here does not last.',
    'tickTime=2000',
    'initLimit=10',
    'syncLimit=5',
    `dataDir=${propertyValue(peer.dataDir)}`,
    `clientPort=${peer.clientPort}`,
    'clientPortAddress=127.0.0.1',
    'admin.enableServer=false',
    '4lw.commands.whitelist=*',
    `picket.mqtt.url=${plan.mqttUrl}`,
  ];
  // One peer alone is a standalone server, as in ZooKeeper.
  if (plan.peers.length > 1) {
    for (const { sid, quorumPort, electionPort } of plan.peers) {
      lines.push(`server.${sid}=127.0.0.1:${quorumPort}:${electionPort}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function planPeer(root: string, sid: number, basePort: number): PeerPlan {
  const dir = path.join(root, String(sid));
  return {
    sid,
    clientPort: basePort + sid - 1,
    quorumPort: basePort + QUORUM_OFFSET + sid - 1,
    electionPort: basePort + ELECTION_OFFSET + sid - 1,
    dataDir: path.join(dir, 'data'),
    configFile: path.join(dir, 'zoo.cfg'),
    logFile: path.join(dir, 'peer.log'),
  };
}

/** Java properties: a backslash escapes, and what is not ASCII is written as \uXXXX. */
function propertyValue(text: string): string {
  const escapeUnit = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return text.replaceAll('\\', '\\\\').replace(/[^\x20-\x7e]/g, escapeUnit);
}
