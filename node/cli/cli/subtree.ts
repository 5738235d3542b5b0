/** Lists a subtree with one request for each znode, a level at a time. */
import { hasCode } from '../../client/client-error.ts';
import type { ZooKeeperClient } from '../../client/zookeeper-client.ts';
import { ErrorCode } from '../../core/request/error-code.ts';

/** Requests under way at once. */
const BATCH = 100;

/**
 * `root`, its children, their children and so on, siblings sorted. Rejects when `root` is not
 * there; a znode that is deleted meanwhile is simply left without children.
 */
export async function listSubtree(client: ZooKeeperClient, root: string): Promise<string[]> {
  const paths = [root];
  for (let at = 0; at < paths.length; ) {
    const batch = paths.slice(at, at + BATCH);
    const children = await Promise.all(
      batch.map((path) => childrenOf(client, path, path === root)),
    );
    paths.push(...children.flat());
    at += batch.length;
  }
  return paths;
}

async function childrenOf(
  client: ZooKeeperClient,
  path: string,
  mustExist: boolean,
): Promise<string[]> {
  try {
    const names = await client.getChildren(path);
    return names.sort().map((name) => (path === '/' ? `/${name}` : `${path}/${name}`));
  } catch (error) {
    if (!mustExist && hasCode(error, ErrorCode.noNode)) return [];
    throw error;
  }
}
