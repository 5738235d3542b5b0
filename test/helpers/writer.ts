/**
 * A client that writes one thing after the other through whatever happens to its peers, and keeps
 * count of what was acknowledged. Where a connection was lost it asks what has become of the write
 * before it goes on, so that at the end every write is known to be done exactly once, or the
 * ensemble has broken its word.
 *
 * Writer `w` creates /load/w/0, /load/w/1 ... and, every fourth time, sets /load/w instead, with
 * the version it must have by now.
 */
import assert from 'node:assert/strict';
import { hasCode } from '../../node/client/client-error.ts';
import { ZooKeeperClient } from '../../node/client/zookeeper-client.ts';
import { ErrorCode } from '../../node/core/request/error-code.ts';
import type { ClientTree } from './client-tree.ts';

export const LOAD = '/load';
const SET_EVERY = 4;

export class Writer {
  readonly home: string;
  readonly client: ZooKeeperClient;
  /** Writes whose success was answered to this client. */
  acknowledged = 0;
  /** Writes whose answer was lost, and which turned out to be done. */
  found = 0;
  /** The longest time between two writes, milliseconds. */
  longestGapMs = 0;
  private creates = 0;
  private sets = 0;
  private lastAtMs = 0;

  constructor(name: string, connectString: string, sessionTimeoutMs = 30_000) {
    this.home = `${LOAD}/${name}`;
    this.client = new ZooKeeperClient({ connectString, sessionTimeoutMs });
  }

  /** Makes the writer's own znode; /load must be there. */
  async start(): Promise<void> {
    await this.client.connect();
    await this.client.create(this.home, '');
    this.lastAtMs = performance.now();
  }

  /** Writes for as long as `goOn` says so; it is asked before each write. */
  async run(goOn: () => boolean): Promise<void> {
    while (goOn()) {
      const isSet = (this.creates + this.sets) % SET_EVERY === SET_EVERY - 1;
      await this.write(isSet);
      if (isSet) this.sets += 1;
      else this.creates += 1;
      const nowMs = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, nowMs - this.lastAtMs);
      this.lastAtMs = nowMs;
    }
  }

  /** Fails unless `tree` holds exactly what was written, each write once. */
  assertIn(tree: ClientTree): void {
    const home = tree.get(this.home);
    assert.ok(home !== undefined, `${this.home} is there`);
    assert.equal(home.version, this.sets, `${this.home} was set once for each set`);
    const ours = [...tree.keys()].filter((path) => path.startsWith(`${this.home}/`));
    const wanted = Array.from({ length: this.creates }, (_, i) => `${this.home}/${i}`);
    assert.deepEqual(new Set(ours), new Set(wanted), `the children of ${this.home}`);
    for (const path of wanted) {
      assert.equal(String(tree.get(path)?.data), path, `the data of ${path}`);
    }
    assert.equal(this.creates + this.sets, this.acknowledged + this.found);
  }

  /**
   * As `assertIn` for a writer that was cut off in the middle of a write: that one write may be
   * there or not.
   */
  assertAcknowledgedIn(tree: ClientTree): void {
    const home = tree.get(this.home);
    assert.ok(home !== undefined, `${this.home} is there`);
    const extra = home.version - this.sets;
    assert.ok(extra === 0 || extra === 1, `${this.home}: ${home.version} for ${this.sets} sets`);
    for (let i = 0; i < this.creates; i += 1) {
      const path = `${this.home}/${i}`;
      assert.equal(String(tree.get(path)?.data), path, `the data of ${path}`);
    }
  }

  private async write(isSet: boolean): Promise<void> {
    for (let isDoubtful = false; ; isDoubtful = true) {
      try {
        if (isDoubtful && (await this.isDone(isSet))) {
          this.found += 1;
          return;
        }
        if (isSet) await this.client.setData(this.home, String(this.sets), this.sets);
        else await this.client.create(this.nextPath, this.nextPath);
        this.acknowledged += 1;
        return;
      } catch (error) {
        if (!hasCode(error, ErrorCode.connectionLoss)) throw error;
      }
    }
  }

  /** After the sync nothing that was sent before is still under way. */
  private async isDone(isSet: boolean): Promise<boolean> {
    await this.client.sync(this.home);
    if (!isSet) return (await this.client.exists(this.nextPath)) !== null;
    const stat = await this.client.exists(this.home);
    return stat !== null && stat.version === this.sets + 1;
  }

  private get nextPath(): string {
    return `${this.home}/${this.creates}`;
  }
}
