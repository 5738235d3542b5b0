/** Asks a peer on loopback what it does, with the four-letter word `srvr`. */
import net from 'node:net';

const ANSWER_BYTES_MAX = 64 * 1024;

/** leader, follower, observer or standalone; undefined while it does not serve or answer. */
export function askMode(port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect({ port, host: '127.0.0.1' }, () => socket.write('srvr'));
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      answer += text;
      if (answer.length > ANSWER_BYTES_MAX) socket.destroy();
    });
    // Nobody listens, or it was cut off: `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(/^Mode: (\w+)$/m.exec(answer)?.[1]);
    });
  });
}
