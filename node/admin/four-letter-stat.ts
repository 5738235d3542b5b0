/**
 * The answers to srvr, stat, cons, conf and envi, in ZooKeeper's layout to the byte.
 */
import { OpCode } from '../core/request/op-code.ts';
import { formatZxid } from '../core/zxid.ts';
import { formatDouble } from './four-letter-mntr.ts';
import type { ConnectionSessionView, ConnectionView, ServerView } from './four-letter-view.ts';

/** ZooKeeper's bit for "waits for something to read" among a channel's interests. */
const READ_INTEREST = 1;

/** How `cons` abbreviates what a connection last did. */
const OPERATIONS: ReadonlyMap<OpCode, string> = new Map<OpCode, string>([
  [OpCode.ping, 'PING'],
  [OpCode.createSession, 'SESS'],
  [OpCode.closeSession, 'CLOS'],
  [OpCode.multi, 'MULT'],
  [OpCode.multiRead, 'MLTR'],
  [OpCode.create, 'CREA'],
  [OpCode.create2, 'CREA'],
  [OpCode.createTtl, 'CREA'],
  [OpCode.createContainer, 'CREA'],
  [OpCode.delete, 'DELE'],
  [OpCode.deleteContainer, 'DELE'],
  [OpCode.setData, 'SETD'],
  [OpCode.reconfig, 'RECO'],
  [OpCode.setAcl, 'SETA'],
  [OpCode.sync, 'SYNC'],
  [OpCode.check, 'CHEC'],
  [OpCode.exists, 'EXIS'],
  [OpCode.getData, 'GETD'],
  [OpCode.setWatches, 'SETW'],
  [OpCode.setWatches2, 'STW2'],
  [OpCode.addWatch, 'ADDW'],
  [OpCode.getAcl, 'GETA'],
  [OpCode.getChildren, 'GETC'],
  [OpCode.getChildren2, 'GETC'],
  [OpCode.getAllChildrenNumber, 'GETACN'],
  [OpCode.getEphemerals, 'GETE'],
  [OpCode.checkWatches, 'CHKW'],
  [OpCode.removeWatches, 'REMW'],
  [OpCode.whoAmI, 'HOMI'],
]);

export function srvrText(view: ServerView): string {
  return versionText(view) + statisticsText(view);
}

export function statText(view: ServerView): string {
  const clients = view.connections.map((connection) => `${briefText(connection)})\n`).join('');
  return `${versionText(view)}Clients:\n${clients}\n${statisticsText(view)}`;
}

export function consText(view: ServerView): string {
  const lines = view.connections.map((connection) => {
    const { session, establishedMs } = connection;
    const details = session === undefined ? '' : sessionText(session, establishedMs);
    return `${briefText(connection)}${details})\n`;
  });
  return `${lines.join('')}\n`;
}

/** No newline after the version that ends the membership, as in ZooKeeper. */
export function confText({ conf }: ServerView): string {
  const lines = [
    `clientPort=${conf.clientPort}`,
    'secureClientPort=-1',
    `dataDir=${conf.dataDir}`,
    `dataDirSize=${conf.dataDirBytes}`,
    `dataLogDir=${conf.dataLogDir}`,
    `dataLogSize=${conf.dataLogBytes}`,
    `tickTime=${conf.tickTimeMs}`,
    `maxClientCnxns=${conf.maxClientCnxns}`,
    `minSessionTimeout=${conf.minSessionTimeoutMs}`,
    `maxSessionTimeout=${conf.maxSessionTimeoutMs}`,
    `clientPortListenBacklog=${conf.clientPortListenBacklog}`,
    `serverId=${conf.serverId}`,
  ];
  if (conf.quorum === undefined) return `${lines.join('\n')}\n`;
  const { initLimitTicks, syncLimitTicks, electionPort, quorumPort, isObserver } = conf.quorum;
  lines.push(
    `initLimit=${initLimitTicks}`,
    `syncLimit=${syncLimitTicks}`,
    'electionAlg=3',
    `electionPort=${electionPort}`,
    `quorumPort=${quorumPort}`,
    `peerType=${isObserver ? 1 : 0}`,
    'membership: ',
    conf.quorum.membership,
  );
  return lines.join('\n');
}

/** Answered also while the server does not serve. */
export function enviText({ version, environment }: ServerView): string {
  const lines = environment.map(([name, value]) => `${name}=${value}\n`).join('');
  return `Environment:\nzookeeper.version=${version}\n${lines}`;
}

function versionText({ version, mode }: ServerView): string {
  const notice = mode === 'read-only' ? 'READ-ONLY mode; serving only read-only clients\n' : '';
  return `Zookeeper version: ${version}\n${notice}`;
}

function statisticsText(view: ServerView): string {
  const { min, avg, max } = view.latencyMs;
  const lines = [
    `Latency min/avg/max: ${min}/${formatDouble(avg)}/${max}`,
    `Received: ${view.packetsReceived}`,
    `Sent: ${view.packetsSent}`,
    `Connections: ${view.connections.length}`,
    `Outstanding: ${view.outstandingRequests}`,
    `Zxid: ${formatZxid(view.zxid)}`,
    `Mode: ${view.mode}`,
    `Node count: ${view.nodeCount}`,
  ];
  if (view.leader !== undefined) {
    const sizes = view.leader.proposalBytes;
    lines.push(`Proposal sizes last/min/max: ${sizes.last}/${sizes.min}/${sizes.max}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Up to the closing parenthesis. */
function briefText(connection: ConnectionView): string {
  const { isReading, queued, received, sent } = connection;
  const interests = isReading ? READ_INTEREST : 0;
  const counts = `queued=${queued},recved=${received},sent=${sent}`;
  return ` ${addressText(connection)}[${interests}](${counts}`;
}

/** `/ip:port`, as Java prints a socket's address. */
export function addressText({ remoteAddress, remotePort }: ConnectionView): string {
  return `/${hostText(remoteAddress)}:${remotePort}`;
}

/** IPv4 seen through an IPv6 socket is shown as IPv4. */
function hostText(address: string): string {
  const host = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  return host.includes(':') ? `[${host}]` : host;
}

function sessionText(session: ConnectionSessionView, establishedMs: number): string {
  const { min, avg, max } = session.latencyMs;
  const lastCxid = session.lastCxid < 0 ? '' : `,lcxid=0x${session.lastCxid.toString(16)}`;
  return [
    `,sid=${session.id}`,
    `,lop=${session.lastOp === undefined ? 'NA' : (OPERATIONS.get(session.lastOp) ?? 'NA')}`,
    `,est=${establishedMs}`,
    `,to=${session.timeoutMs}`,
    lastCxid,
    `,lzxid=${formatZxid(session.lastZxid)}`,
    `,lresp=${Math.trunc(session.lastResponseMs)}`,
    `,llat=${session.lastLatencyMs}`,
    `,minlat=${min}`,
    `,avglat=${Math.trunc(avg)}`,
    `,maxlat=${max}`,
  ].join('');
}
