/**
 * The answers to dump, dirs, wchs, wchc and wchp, in ZooKeeper's layout to the byte. Only the order
 * of what it keeps in hash tables is ours: the oldest first.
 */
import { NO_SESSION, type SessionId } from '../core/session-id.ts';
import { formatJavaDate } from '../runtime/java-date.ts';
import { addressText } from './four-letter-stat.ts';
import type { ConnectionView, ServerView, SessionsView } from './four-letter-view.ts';

export function dirsText({ conf }: ServerView): string {
  return `datadir_size: ${conf.dataDirBytes}\nlogdir_size: ${conf.dataLogBytes}\n`;
}

export function dumpText(view: ServerView): string {
  return [
    'SessionTracker dump:\n',
    sessionsText(view.sessions),
    'ephemeral nodes dump:\n',
    ephemeralsText(view.ephemerals),
    'Connections dump:\n',
    connectionsText(view.connections),
  ].join('');
}

export function wchsText({ watchSummary }: ServerView): string {
  const { connections, paths, watches } = watchSummary;
  return `${connections} connections watching ${paths} paths\nTotal watches:${watches}\n`;
}

export function wchcText({ watchesBySession }: ServerView): string {
  return `${groupsText(watchesBySession, String, String)}\n`;
}

export function wchpText({ watchesByPath }: ServerView): string {
  return `${groupsText(watchesByPath, String, String)}\n`;
}

function sessionsText(sessions: SessionsView): string {
  if (sessions.kind === 'known') {
    const lines = Array.from(sessions.sessions, ([id, timeoutMs]) => `${id}\t${timeoutMs}ms\n`);
    return `Global Sessions(${lines.length}):\n${lines.join('')}`;
  }
  const sets = sessions.sets.map(({ expiresAtMs, ids }) => ({ expiresAtMs, items: ids }));
  return `Session ${setsText(sets, String)}`;
}

function ephemeralsText(ephemerals: ServerView['ephemerals']): string {
  const owners = Array.from(ephemerals);
  const list = groupsText(owners, (id) => `${id}:`, String);
  return `Sessions with Ephemerals (${owners.length}):\n${list}`;
}

function connectionsText(connections: readonly ConnectionView[]): string {
  const byTime = new Map<number, ConnectionView[]>();
  for (const connection of connections) {
    const set = byTime.get(connection.expiresAtMs);
    if (set === undefined) byTime.set(connection.expiresAtMs, [connection]);
    else set.push(connection);
  }
  const sets = Array.from(byTime, ([expiresAtMs, items]) => ({ expiresAtMs, items }));
  sets.sort((a, b) => a.expiresAtMs - b.expiresAtMs);
  return `Connections ${setsText(sets, connectionText)}`;
}

function connectionText(connection: ConnectionView): string {
  const id: SessionId = connection.session?.id ?? NO_SESSION;
  return `ip: ${addressText(connection)} sessionId: ${id}`;
}

/** What expires together, as ZooKeeper's expiry queue dumps itself. */
function setsText<T>(
  sets: ReadonlyArray<{ readonly expiresAtMs: number; readonly items: readonly T[] }>,
  textOf: (item: T) => string,
): string {
  const total = sets.reduce((sum, { items }) => sum + items.length, 0);
  const lines = sets.map(({ expiresAtMs, items }) => {
    const title = `${items.length} expire at ${formatJavaDate(expiresAtMs)}:\n`;
    return title + items.map((item) => `\t${textOf(item)}\n`).join('');
  });
  return `Sets (${sets.length})/(${total}):\n${lines.join('')}`;
}

/** A title for each group, and its members indented below it. */
function groupsText<T, M>(
  groups: Iterable<readonly [title: T, members: Iterable<M>]>,
  titleOf: (title: T) => string,
  memberOf: (member: M) => string,
): string {
  let text = '';
  for (const [title, members] of groups) {
    text += `${titleOf(title)}\n`;
    for (const member of members) text += `\t${memberOf(member)}\n`;
  }
  return text;
}
