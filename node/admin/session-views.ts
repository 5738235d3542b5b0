/**
 * Sessions, what they own and what they watch, read off a running peer for dump, wchc and wchp.
 */
import type { SessionId } from '../core/session-id.ts';
import type { Watcher } from '../core/tree/watches.ts';
import { ClientSession } from '../runtime/client-session.ts';
import type { PeerRuntime } from '../runtime/peer-runtime.ts';
import type { SessionsView } from './four-letter-view.ts';

export function sessionsView(runtime: PeerRuntime): SessionsView {
  const { leaderInfo, replica } = runtime;
  if (leaderInfo !== null) return { kind: 'tracked', sets: leaderInfo.sessionSets() };
  return { kind: 'known', sessions: replica.tree.sessions.entries() };
}

export function* ephemeralsOf({ replica }: PeerRuntime): Generator<[SessionId, readonly string[]]> {
  for (const [id] of replica.tree.sessions.entries()) {
    const paths = replica.tree.ephemeralsOf(id);
    if (paths.length > 0) yield [id, paths];
  }
}

export function* watchesBySession({
  replica,
}: PeerRuntime): Generator<[SessionId, Iterable<string>]> {
  for (const [watcher, paths] of replica.watches.byWatcher()) {
    for (const id of sessionIdsOf([watcher])) yield [id, paths];
  }
}

export function* watchesByPath({ replica }: PeerRuntime): Generator<[string, Iterable<SessionId>]> {
  for (const [path, watchers] of replica.watches.byPath()) yield [path, sessionIdsOf(watchers)];
}

function* sessionIdsOf(watchers: Iterable<Watcher>): Generator<SessionId> {
  for (const watcher of watchers) if (watcher instanceof ClientSession) yield watcher.id;
}
