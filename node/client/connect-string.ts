/**
 * The connect string of every ZooKeeper client: `host:port,host:port/chroot`. The port defaults to
 * 2181; an IPv6 address stands in brackets; the chroot, if any, is the part of the tree that the
 * client sees as its root.
 */
import { pathProblem } from './client-path.ts';

export interface HostPort {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface ConnectString {
  /** At least one, in the order given. */
  readonly hosts: readonly HostPort[];
  /** `/a/b`, or '' when the whole tree is meant. */
  readonly chroot: string;
}

const PORT_DEFAULT = 2181;
const PORT_MAX = 65_535;

/** Throws an Error that names the part that is wrong and how to write it. */
export function parseConnectString(text: string): ConnectString {
  const slash = text.indexOf('/');
  const list = slash === -1 ? text : text.slice(0, slash);
  const hosts = list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseHostPort);
  if (hosts.length === 0) {
    throw new Error(`connect string '${text}' names no server: write host:port,host:port/chroot`);
  }
  return { hosts, chroot: slash === -1 ? '' : parseChroot(text.slice(slash)) };
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseChroot(path: string): string {
  if (path === '/') return '';
  const problem = pathProblem(path);
  if (problem !== undefined) throw new Error(`chroot '${path}': ${problem}`);
  return path;
}

function parseHostPort(part: string): HostPort {
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(part);
  if (bracketed !== null) {
    return { host: bracketed[1] ?? '', port: parsePort(bracketed[2], part) };
  }
  const pieces = part.split(':');
  if (pieces.length > 2) {
    throw new Error(`'${part}' has more than one colon: write an IPv6 address as [::1]:2181`);
  }
  const [host = '', port] = pieces;
  if (host === '') throw new Error(`'${part}' has no host name: write host:port`);
  return { host, port: parsePort(port, part) };
}

function parsePort(text: string | undefined, part: string): number {
  if (text === undefined) return PORT_DEFAULT;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > PORT_MAX) {
    throw new Error(`'${part}': the port must be a number from 1 to ${PORT_MAX}`);
  }
  return port;
}
