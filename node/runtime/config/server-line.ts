/**
 * The value of a `server.N` line: `host:quorumPort:electionPort[:role][;[clientHost:]clientPort]`,
 * with IPv6 addresses in brackets. Several addresses for one server stand side by side with `|`.
 */
import type { ServerRole, ServerSpec } from './peer-config.ts';

export interface ParsedServerLine {
  readonly server: ServerSpec;
  /** How many addresses the line gives; only the first is used. */
  readonly addresses: number;
}

const GRAMMAR =
  'must be host:quorumPort:electionPort[:participant|:observer][;[address:]clientPort]';

/** The parsed line, or a string that says what is wrong with it. */
export function parseServerLine(sid: number, value: string): ParsedServerLine | string {
  const [peers = '', client, ...rest] = value.split(';');
  if (rest.length > 0) return GRAMMAR;
  const addresses = peers.split('|');
  const address = parsePeerAddress(addresses[0] ?? '');
  if (typeof address === 'string') return address;
  const clientAddress = client === undefined ? {} : parseClientAddress(client);
  if (typeof clientAddress === 'string') return clientAddress;
  return { server: { sid, ...address, ...clientAddress }, addresses: addresses.length };
}

type PeerAddress = Omit<ServerSpec, 'sid' | 'clientHost' | 'clientPort'>;

function parsePeerAddress(text: string): PeerAddress | string {
  const parts = splitHostAndRest(text.trim());
  if (parts === undefined) return `${GRAMMAR}; an IPv6 address stands in brackets`;
  const [host = '', quorum = '', election, roleText = 'participant', ...rest] = parts;
  if (host === '' || rest.length > 0 || parts.length < 2) return GRAMMAR;
  if (election === undefined) return `${GRAMMAR}; the election port is missing`;
  const quorumPort = parsePort(quorum);
  if (quorumPort === undefined) return `the quorum port ${quorum} must be from 1 to 65535`;
  const electionPort = parsePort(election);
  if (electionPort === undefined) return `the election port ${election} must be from 1 to 65535`;
  if (quorumPort === electionPort) return 'quorum port and election port must differ';
  const role = parseRole(roleText);
  if (role === undefined) return `the role ${roleText} must be participant or observer`;
  return { host, quorumPort, electionPort, role };
}

function parseClientAddress(text: string): { clientHost: string; clientPort: number } | string {
  const trimmed = text.trim();
  const parts = /^\d+$/.test(trimmed) ? ['0.0.0.0', trimmed] : splitHostAndRest(trimmed);
  const [host = '', port = '', ...rest] = parts ?? [];
  if (host === '' || rest.length > 0)
    return `${GRAMMAR}; ${trimmed || 'nothing'} stands after the ;`;
  const clientPort = parsePort(port);
  if (clientPort === undefined) return `the client port ${port} must be from 1 to 65535`;
  return { clientHost: host, clientPort };
}

export function parseRole(text: string): ServerRole | undefined {
  const role = text.toLowerCase();
  return role === 'participant' || role === 'observer' ? role : undefined;
}

/** `[::1]:1:2` and `host:1:2` as ['::1' or 'host', '1', '2']; undefined when a bracket is open. */
function splitHostAndRest(text: string): string[] | undefined {
  if (!text.startsWith('[')) return text.split(':');
  const match = /^\[([0-9a-fA-F:.%a-z]+)\](?::(.*))?$/.exec(text);
  if (match === null) return undefined;
  const [, host = '', rest] = match;
  return rest === undefined ? [host] : [host, ...rest.split(':')];
}

function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}
