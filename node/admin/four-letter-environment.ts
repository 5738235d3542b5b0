/**
 * What `envi` says of the process and its board, read once: names are ZooKeeper's where there is
 * the same thing to say, `node.` in place of `java.`.
 */
import os from 'node:os';
import process from 'node:process';

const MIB = 1024 * 1024;

/** Lines for ServerView.environment, in order. */
export function processEnvironment(): Array<readonly [name: string, value: string]> {
  const { name, home } = user();
  const heap = process.memoryUsage();
  return [
    ['host.name', os.hostname()],
    ['node.version', process.versions.node],
    ['node.home', process.execPath],
    ['v8.version', process.versions.v8],
    ['os.name', os.type()],
    ['os.arch', os.arch()],
    ['os.version', os.release()],
    ['user.name', name],
    ['user.home', home],
    ['user.dir', process.cwd()],
    ['os.memory.free', `${Math.floor(os.freemem() / MIB)}MB`],
    ['os.memory.max', `${Math.floor(os.totalmem() / MIB)}MB`],
    ['os.memory.total', `${Math.floor(heap.rss / MIB)}MB`],
  ];
}

/** A service may run as a user that has no entry in the user database. */
function user(): { name: string; home: string } {
  try {
    const { username, homedir } = os.userInfo();
    return { name: username, home: homedir };
  } catch {
    return { name: String(process.getuid?.() ?? 'unknown'), home: os.homedir() };
  }
}
