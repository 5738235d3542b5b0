/**
 * The MQTT broker of `picket up`: aedes, on loopback only, in memory. It is there so that events
 * can be watched without installing anything; a real cluster uses a broker of its own.
 */
import net from 'node:net';
import type { Aedes } from 'aedes';
import { UpError } from './up-error.ts';

export class EmbeddedBroker {
  private readonly aedes: Aedes;
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  /** Throws UpError when the port cannot be had. */
  static async start(port: number): Promise<EmbeddedBroker> {
    const { Aedes } = await import('aedes');
    const aedes = await Aedes.createBroker();
    const server = net.createServer();
    try {
      await listen(server, port);
    } catch (error) {
      aedes.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw UpError.usage(
        `the MQTT broker cannot listen on port ${port}: ${reason}; use another --base-port`,
      );
    }
    return new EmbeddedBroker(aedes, server);
  }

  private constructor(aedes: Aedes, server: net.Server) {
    this.aedes = aedes;
    this.server = server;
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      aedes.handle(socket);
    });
  }

  /** aedes does not close the sockets that it was handed. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.aedes.close(() => resolve()));
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

function listen(server: net.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
