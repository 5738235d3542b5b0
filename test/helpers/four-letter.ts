/**
 * Four-letter words: sends one to a client port and reads the answers that tests ask about. Source
 * of the formats: ZooKeeper administrator's guide, "The Four Letter Words".
 */
import net from 'node:net';

const ANSWER_TIMEOUT_MS = 3_000;

export interface ServerReport {
  /** `3.8.0-…` as printed behind `Zookeeper version:`. */
  readonly version: string;
  /** leader, follower, observer, standalone or read-only. */
  readonly mode: string;
  readonly zxid: number;
  readonly connections: number;
  readonly outstanding: number;
  readonly nodeCount: number;
}

/** The whole answer to a word, or '' when nobody listens or the answer does not end in time. */
export function fourLetter(
  port: number,
  word: string,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = net.connect({ port, host: '127.0.0.1' }, () => socket.write(word));
    const timer = setTimeout(() => {
      answer = '';
      socket.destroy();
    }, timeoutMs);
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

/** Reads an answer to `srvr` or `stat`; undefined while the server does not serve. */
export function parseSrvr(answer: string): ServerReport | undefined {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(answer)?.[1]?.trim();
  const mode = field('Mode');
  const zxid = field('Zxid');
  if (mode === undefined || zxid === undefined) return undefined;
  return {
    version: field('Zookeeper version') ?? '',
    mode,
    zxid: Number(zxid),
    connections: Number(field('Connections')),
    outstanding: Number(field('Outstanding')),
    nodeCount: Number(field('Node count')),
  };
}

/** Reads an answer to `mntr`: `zk_<key>\t<value>` lines. */
export function parseMntr(answer: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of answer.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab > 0) values.set(line.slice(0, tab), line.slice(tab + 1).trim());
  }
  return values;
}

/** `srvr` of a client port, or undefined while it does not serve. */
export async function serverReport(port: number): Promise<ServerReport | undefined> {
  return parseSrvr(await fourLetter(port, 'srvr'));
}
