/** The files and directories of the simulated disk: what is seen, and what is on the medium. */
import type { Prng } from '../../node/core/prng.ts';

const SECTOR_BYTES = 512;

export type Change =
  | { readonly type: 'link'; readonly name: string; readonly inode: Inode }
  | { readonly type: 'unlink'; readonly name: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string; readonly inode: Inode };

export class SimDirectory {
  /** What a reader sees. */
  files = new Map<string, Inode>();
  private medium = new Map<string, Inode>();
  private unsynced: Change[] = [];

  change(change: Change): void {
    carryOut(this.files, change);
    this.unsynced.push(change);
  }

  sync(): void {
    this.medium = new Map(this.files);
    this.unsynced = [];
  }

  /** Any subset of the changes since the last sync has reached the medium. */
  powerCut(prng: Prng): void {
    for (const change of this.unsynced) if (prng.oneIn(2)) carryOut(this.medium, change);
    this.files = new Map(this.medium);
    this.unsynced = [];
  }

  clone(inodes: Map<Inode, Inode>): SimDirectory {
    const copyOf = (inode: Inode): Inode => {
      const copy = inodes.get(inode) ?? inode.clone();
      inodes.set(inode, copy);
      return copy;
    };
    const copyMap = (map: Map<string, Inode>): Map<string, Inode> =>
      new Map(Array.from(map, ([name, inode]) => [name, copyOf(inode)]));
    const copy = new SimDirectory();
    copy.files = copyMap(this.files);
    copy.medium = copyMap(this.medium);
    copy.unsynced = this.unsynced.map((change) =>
      change.type === 'unlink' ? change : { ...change, inode: copyOf(change.inode) },
    );
    return copy;
  }
}

function carryOut(files: Map<string, Inode>, change: Change): void {
  switch (change.type) {
    case 'link':
      files.set(change.name, change.inode);
      break;
    case 'unlink':
      files.delete(change.name);
      break;
    case 'rename':
      files.delete(change.from);
      files.set(change.to, change.inode);
      break;
  }
}

export class Inode {
  private cache: Uint8Array = new Uint8Array();
  private medium: Uint8Array = new Uint8Array();
  private dirty = new Set<number>();

  get size(): number {
    return this.cache.length;
  }

  content(): Uint8Array {
    return this.cache.slice();
  }

  write(bytes: Uint8Array, offset: number): void {
    this.cache = resized(this.cache, Math.max(this.cache.length, offset + bytes.length));
    this.cache.set(bytes, offset);
    const last = Math.ceil((offset + bytes.length) / SECTOR_BYTES);
    for (let s = Math.floor(offset / SECTOR_BYTES); s < last; s += 1) this.dirty.add(s);
  }

  read(target: Uint8Array, offset: number): number {
    const bytes = this.cache.subarray(offset, offset + target.length);
    target.set(bytes);
    return bytes.length;
  }

  sync(): void {
    if (this.dirty.size > 0 || this.medium.length !== this.cache.length) {
      const medium = resized(this.medium, this.cache.length);
      for (const sector of this.dirty) copySector(this.cache, medium, sector);
      this.medium = medium;
    }
    this.dirty.clear();
  }

  /** The kernel has given the pages up: they read back, but nothing will write them. */
  forgetDirty(): void {
    this.dirty.clear();
  }

  powerCut(prng: Prng): void {
    // Some cuts keep all, some nothing, most a mixture; size and sectors go separate ways.
    const mode = prng.below(4);
    const survives = (): boolean => mode === 0 || (mode !== 1 && prng.oneIn(2));
    const grown = this.cache.length - this.medium.length;
    let size = this.medium.length;
    if (this.dirty.size > 0 && grown > 0 && mode !== 1) {
      size += mode === 0 ? grown : prng.below(grown + 1);
    }
    const medium = resized(this.medium, Math.max(size, this.medium.length));
    for (const sector of this.dirty) if (survives()) copySector(this.cache, medium, sector);
    this.medium = medium;
    this.cache = medium.slice();
    this.dirty.clear();
  }

  replace(content: Uint8Array): void {
    this.cache = content.slice();
    this.medium = content.slice();
    this.dirty.clear();
  }

  clone(): Inode {
    const copy = new Inode();
    copy.cache = this.cache.slice();
    copy.medium = this.medium.slice();
    copy.dirty = new Set(this.dirty);
    return copy;
  }
}

function copySector(from: Uint8Array, to: Uint8Array, sector: number): void {
  const start = sector * SECTOR_BYTES;
  const end = Math.min(start + SECTOR_BYTES, from.length, to.length);
  if (start < end) to.set(from.subarray(start, end), start);
}

function resized(bytes: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(0, length));
  return copy;
}
