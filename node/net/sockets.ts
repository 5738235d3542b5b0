/**
 * What every port does with its sockets: listen or say why not, and the options that all of them
 * share.
 */
import net from 'node:net';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** A dead peer that sent no FIN is noticed by the kernel after this long at the latest. */
const KEEPALIVE_MS = 30_000;

/**
 * Listens; resolves to the port (of interest for port 0). Rejects with a message that names the
 * port, what it is for and the setting that moves it.
 */
export function listen(
  server: net.Server,
  at: HostPort & { readonly backlog?: number },
  purpose: string,
  setting: string,
): Promise<number> {
  const backlog = at.backlog !== undefined && at.backlog > 0 ? { backlog: at.backlog } : {};
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      reject(new Error(explain(error, at, purpose, setting), { cause: error }));
    };
    server.once('error', onError);
    server.listen({ host: at.host, port: at.port, ...backlog }, () => {
      server.off('error', onError);
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : at.port);
    });
  });
}

function explain(error: Error, at: HostPort, purpose: string, setting: string): string {
  const where = `the ${purpose} port ${at.port} on ${at.host}`;
  switch ('code' in error ? error.code : '') {
    case 'EADDRINUSE':
      return `${where} is taken: end the process that listens there, or change ${setting}`;
    case 'EACCES':
      return `${where} may not be opened: use a port above 1023, or change ${setting}`;
    case 'EADDRNOTAVAIL':
      return `${where} cannot be opened: the address is not one of this board; change ${setting}`;
    default:
      return `${where} cannot be opened (${error.message}); see ${setting}`;
  }
}

/** Resolves when the server has closed; its connections are the caller's to end. */
export function closeServer(server: net.Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) resolve();
    else server.close(() => resolve());
  });
}

/** Small messages leave at once, and a vanished peer is found out in the end. */
export function tune(socket: net.Socket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEPALIVE_MS);
}

/** `host:port` of the other end, IPv6 in brackets; a placeholder once the socket is gone. */
export function remoteOf(socket: net.Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) return 'a closed connection';
  const host = net.isIPv6(remoteAddress) ? `[${remoteAddress}]` : remoteAddress;
  return `${host}:${remotePort}`;
}
