/**
 * A disk in memory that forgets. It keeps what a program has written (the page cache) apart from
 * what is on the medium; a power cut takes any subset of the unsynced sectors and directory entries
 * with it, a killed process takes nothing. An operation can be made to fail, by its number.
 *
 * Asynchronous operations wait in a queue until the test runs them, so a test owns every
 * interleaving.
 */

import type { Prng } from '../../node/core/prng.ts';
import type { Disk, DiskFile, Done, OpenMode } from '../../node/log/disk.ts';
import { type Change, Inode, SimDirectory } from './sim-inode.ts';

/** Thrown by the operation at which the machine stopped, and by all after it. */
export class SimCrash extends Error {}

export type Fault =
  /** The operation takes place in the page cache, and nothing runs after it. */
  | { readonly type: 'crash' }
  /**
   * The operation fails with this code. A failed flush leaves pages that look clean, as ext4 does.
   */
  | { readonly type: 'error'; readonly code: string };

export interface SimDiskOptions {
  readonly capacityBytes?: number;
}

export class SimDisk implements Disk {
  /** Operations that have changed something, so far. */
  operations = 0;
  /** Flushes of files that have succeeded. */
  flushes = 0;
  private readonly directories = new Map<string, SimDirectory>([['/', new SimDirectory()]]);
  private readonly capacityBytes: number;
  private readonly faults = new Map<number, Fault>();
  private queue: (() => void)[] = [];
  private isDead = false;
  /** Counts restarts: a file opened before one is gone. */
  private incarnation = 0;

  constructor(options: SimDiskOptions = {}) {
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Makes operation number `operation` (the first is 1) fail. */
  failAt(operation: number, fault: Fault): void {
    this.faults.set(operation, fault);
  }

  /** Makes the next operation fail. */
  failNext(fault: Fault): void {
    this.failAt(this.operations + 1, fault);
  }

  get hasCrashed(): boolean {
    return this.isDead;
  }

  get pending(): number {
    return this.queue.length;
  }

  /** Carries out the oldest asynchronous operation; false when there is none. */
  runNext(): boolean {
    const next = this.queue.shift();
    if (next === undefined) return false;
    try {
      next();
    } catch (error) {
      if (!(error instanceof SimCrash)) throw error;
    }
    return true;
  }

  run(): void {
    while (this.runNext()) {
      // Each completion may submit more.
    }
  }

  /** The process is gone, the page cache is not. */
  kill(): void {
    this.queue = [];
    this.faults.clear();
    this.isDead = false;
    this.incarnation += 1;
  }

  /** The power is gone: of what was not flushed, `prng` says what has reached the medium. */
  powerCut(prng: Prng): void {
    this.kill();
    const settled = new Set<Inode>();
    for (const directory of this.directories.values()) {
      directory.powerCut(prng);
      for (const inode of directory.files.values()) {
        if (!settled.has(inode)) inode.powerCut(prng);
        settled.add(inode);
      }
    }
  }

  /** What a reader sees now. */
  peek(path: string): Uint8Array {
    return this.inode(path).content();
  }

  /** Changes a file behind everyone's back, on the medium too. */
  poke(path: string, content: Uint8Array): void {
    this.inode(path).replace(content);
  }

  /** An independent copy of all that is visible and of what is durable. */
  clone(): SimDisk {
    const copy = new SimDisk({ capacityBytes: this.capacityBytes });
    const inodes = new Map<Inode, Inode>();
    for (const [name, directory] of this.directories) {
      copy.directories.set(name, directory.clone(inodes));
    }
    return copy;
  }

  listSync(directory: string): string[] {
    return [...(this.directories.get(directory)?.files.keys() ?? [])].sort();
  }

  readFileSync(path: string): Uint8Array {
    return this.inode(path).content();
  }

  makeDirectorySync(directory: string): void {
    if (this.directories.has(directory)) return;
    this.operate('mkdir', () => this.directories.set(directory, new SimDirectory()));
  }

  openSync(path: string, mode: OpenMode): DiskFile {
    if (mode !== 'create') return new SimFile(this, path, this.inode(path));
    const inode = new Inode();
    this.operate('open', () => {
      const [directory, name] = this.locate(path);
      if (directory.files.has(name)) throw simError('EEXIST', path);
      directory.change({ type: 'link', name, inode });
    });
    return new SimFile(this, path, inode);
  }

  renameSync(from: string, to: string): void {
    this.operate('rename', () => {
      const inode = this.inode(from);
      const [directory, fromName] = this.locate(from);
      const [target, toName] = this.locate(to);
      if (directory !== target) throw simError('EXDEV', to);
      directory.change({ type: 'rename', from: fromName, to: toName, inode });
    });
  }

  removeSync(path: string): void {
    this.operate('remove', () => {
      this.inode(path);
      const [directory, name] = this.locate(path);
      directory.change({ type: 'unlink', name });
    });
  }

  syncDirectorySync(directory: string): void {
    this.operate('syncDirectory', () => {
      const found = this.directories.get(directory);
      if (found === undefined) throw simError('ENOENT', directory);
      found.sync();
    });
  }

  open(path: string, mode: OpenMode, done: (e: Error | null, file: DiskFile | null) => void): void {
    this.submit(
      () => this.openSync(path, mode),
      (error, file) => done(error, file ?? null),
    );
  }

  rename(from: string, to: string, done: Done): void {
    this.submit(() => this.renameSync(from, to), done);
  }

  remove(path: string, done: Done): void {
    this.submit(() => this.removeSync(path), done);
  }

  syncDirectory(directory: string, done: Done): void {
    this.submit(() => this.syncDirectorySync(directory), done);
  }

  /** Queues `action`; its completion runs right after it. For SimFile. */
  submit<T>(action: () => T, done: (error: Error | null, value?: T) => void): void {
    const { incarnation } = this;
    this.queue.push(() => {
      if (this.isDead || this.incarnation !== incarnation) return;
      let value: T;
      try {
        value = action();
      } catch (error) {
        if (error instanceof SimCrash) throw error;
        if (!(error instanceof Error) || !('code' in error)) throw error;
        return done(error);
      }
      done(null, value);
    });
  }

  /**
   * Counts and carries out an operation, or its fault. `onError` is what a failure leaves behind.
   */
  operate<T>(what: string, action: () => T, onError: () => void = () => {}): T {
    if (this.isDead) throw new SimCrash(`the machine has stopped: ${what}`);
    this.operations += 1;
    const fault = this.faults.get(this.operations);
    if (fault?.type === 'error') {
      onError();
      throw simError(fault.code, what);
    }
    const value = action();
    if (fault?.type === 'crash') {
      this.isDead = true;
      throw new SimCrash(`the machine stops at operation ${this.operations}: ${what}`);
    }
    return value;
  }

  /** Throws ENOSPC when `bytes` more do not fit. */
  reserve(bytes: number, path: string): void {
    let used = 0;
    for (const { files } of this.directories.values()) {
      for (const inode of files.values()) used += inode.size;
    }
    if (used + bytes > this.capacityBytes) throw simError('ENOSPC', path);
  }

  checkOpen(incarnation: number): void {
    if (this.isDead || incarnation !== this.incarnation) throw new SimCrash('this file is gone');
  }

  get currentIncarnation(): number {
    return this.incarnation;
  }

  private inode(path: string): Inode {
    const [directory, name] = this.locate(path);
    const inode = directory.files.get(name);
    if (inode === undefined) throw simError('ENOENT', path);
    return inode;
  }

  private locate(path: string): [SimDirectory, string] {
    const slash = path.lastIndexOf('/');
    const directory = this.directories.get(path.slice(0, slash) || '/');
    if (directory === undefined) throw simError('ENOENT', path);
    return [directory, path.slice(slash + 1)];
  }
}

class SimFile implements DiskFile {
  readonly path: string;
  private readonly disk: SimDisk;
  private readonly inode: Inode;
  private readonly incarnation: number;
  private isClosed = false;

  constructor(disk: SimDisk, path: string, inode: Inode) {
    this.disk = disk;
    this.path = path;
    this.inode = inode;
    this.incarnation = disk.currentIncarnation;
  }

  write(buffers: readonly Uint8Array[], offset: number, done: Done): void {
    this.disk.submit(() => this.writeSync(buffers, offset), done);
  }

  datasync(done: Done): void {
    this.disk.submit(() => this.syncSync(), done);
  }

  read(target: Uint8Array, offset: number, done: (e: Error | null, bytes: number) => void): void {
    this.disk.submit(
      () => this.readSync(target, offset),
      (error, bytes) => done(error, bytes ?? 0),
    );
  }

  close(done: Done): void {
    this.disk.submit(() => this.closeSync(), done);
  }

  writeSync(buffers: readonly Uint8Array[], offset: number): void {
    this.check();
    this.disk.operate('write', () => {
      const bytes = Buffer.concat(buffers);
      this.disk.reserve(Math.max(0, offset + bytes.length - this.inode.size), this.path);
      this.inode.write(bytes, offset);
    });
  }

  syncSync(): void {
    this.check();
    const pretendClean = (): void => this.inode.forgetDirty();
    this.disk.operate('datasync', () => this.inode.sync(), pretendClean);
    this.disk.flushes += 1;
  }

  readSync(target: Uint8Array, offset: number): number {
    this.check();
    return this.inode.read(target, offset);
  }

  closeSync(): void {
    this.check();
    this.isClosed = true;
  }

  private check(): void {
    if (this.isClosed) throw simError('EBADF', this.path);
    this.disk.checkOpen(this.incarnation);
  }
}

function simError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

export type { Change };
