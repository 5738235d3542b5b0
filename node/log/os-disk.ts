/** The real disk: node:fs with file descriptors, offsets and explicit flushes. */
import fs from 'node:fs';
import path from 'node:path';
import type { Disk, DiskFile, Done, OpenMode } from './disk.ts';

const FLAGS: Readonly<Record<OpenMode, string>> = { create: 'wx+', update: 'r+', read: 'r' };

export class OsDisk implements Disk {
  listSync(directory: string): string[] {
    if (!fs.existsSync(directory)) return [];
    const entries = fs.readdirSync(directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();
  }

  readFileSync(file: string): Uint8Array {
    return fs.readFileSync(file);
  }

  makeDirectorySync(directory: string): void {
    const full = path.resolve(directory);
    const first = fs.mkdirSync(full, { recursive: true });
    if (first === undefined) return;
    // Each new name stands in its parent, up to the parent of the first one made.
    const top = path.dirname(first);
    for (let at = path.dirname(full); at.length >= top.length; at = path.dirname(at)) {
      this.syncDirectorySync(at);
      if (at === path.dirname(at)) break;
    }
  }

  openSync(file: string, mode: OpenMode): DiskFile {
    return new OsFile(file, fs.openSync(file, FLAGS[mode]));
  }

  renameSync(from: string, to: string): void {
    fs.renameSync(from, to);
  }

  removeSync(file: string): void {
    fs.unlinkSync(file);
  }

  syncDirectorySync(directory: string): void {
    const fd = fs.openSync(directory, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  open(
    file: string,
    mode: OpenMode,
    done: (error: Error | null, file: DiskFile | null) => void,
  ): void {
    fs.open(file, FLAGS[mode], (error, fd) => {
      done(error, error === null ? new OsFile(file, fd) : null);
    });
  }

  rename(from: string, to: string, done: Done): void {
    fs.rename(from, to, done);
  }

  remove(file: string, done: Done): void {
    fs.unlink(file, done);
  }

  syncDirectory(directory: string, done: Done): void {
    fs.open(directory, 'r', (openError, fd) => {
      if (openError !== null) return done(openError);
      fs.fsync(fd, (syncError) => {
        fs.close(fd, (closeError) => done(syncError ?? closeError ?? null));
      });
    });
  }
}

class OsFile implements DiskFile {
  readonly path: string;
  private readonly fd: number;

  constructor(file: string, fd: number) {
    this.path = file;
    this.fd = fd;
  }

  write(buffers: readonly Uint8Array[], offset: number, done: Done): void {
    const length = totalLength(buffers);
    fs.writev(this.fd, buffers, offset, (error, written) => {
      done(error ?? shortWrite(this.path, written, length));
    });
  }

  datasync(done: Done): void {
    fs.fdatasync(this.fd, (error) => done(error ?? null));
  }

  read(target: Uint8Array, offset: number, done: (error: Error | null, n: number) => void): void {
    let filled = 0;
    const next = (): void => {
      fs.read(this.fd, target, filled, target.length - filled, offset + filled, (error, n) => {
        if (error !== null) return done(error, filled);
        filled += n;
        if (n === 0 || filled === target.length) return done(null, filled);
        next();
      });
    };
    next();
  }

  close(done: Done): void {
    fs.close(this.fd, (error) => done(error ?? null));
  }

  writeSync(buffers: readonly Uint8Array[], offset: number): void {
    const written = fs.writevSync(this.fd, buffers, offset);
    const error = shortWrite(this.path, written, totalLength(buffers));
    if (error !== null) throw error;
  }

  syncSync(): void {
    fs.fsyncSync(this.fd);
  }

  readSync(target: Uint8Array, offset: number): number {
    let filled = 0;
    while (filled < target.length) {
      const n = fs.readSync(this.fd, target, filled, target.length - filled, offset + filled);
      if (n === 0) break;
      filled += n;
    }
    return filled;
  }

  closeSync(): void {
    fs.closeSync(this.fd);
  }
}

function totalLength(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0);
}

/** The kernel takes less than all of a write only when it runs out of room on the way. */
function shortWrite(file: string, written: number, length: number): Error | null {
  if (written === length) return null;
  const error = new Error(`ENOSPC: short write (${written} of ${length} bytes), ${file}`);
  return Object.assign(error, { code: 'ENOSPC' });
}
