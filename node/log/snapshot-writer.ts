/**
 * Writes a snapshot: temporary file, flush, read back and compare, rename, flush of the directory.
 * Only after that may the caller append the snapshot record to the journal, and only with that
 * record does the snapshot count (ZOOKEEPER-3082: unverified snapshots, then a purge of good ones).
 *
 * The tree goes out in slices; between two of them the event loop is free.
 */
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Zxid } from '../core/zxid.ts';
import { cborInteger, encodeCbor } from './cbor.ts';
import type { Disk, DiskFile, Done } from './disk.ts';
import { SnapshotDamagedError } from './errors.ts';
import { TEMPORARY_SUFFIX } from './segment-file.ts';
import {
  AclWriter,
  frameHeader,
  nodeToCbor,
  SNAPSHOT_VERSION,
  type SnapshotSource,
  snapshotName,
} from './snapshot-format.ts';

/** A slice ends at whichever comes first. */
const SLICE_NODES = 500;
const SLICE_DATA_BYTES = 512 * 1024;
/** Znodes taken from the walk at once: few, because each may hold a megabyte. */
const WALK_STEP = 20;
const SLICE_SESSIONS = 5000;
const VERIFY_BYTES = 1024 * 1024;

/**
 * Two snapshots of one zxid may be under way: a leader may send its tree again after a cut link.
 */
let temporaryFiles = 0;

export interface SnapshotReport {
  readonly zxid: Zxid;
  readonly path: string;
  readonly bytes: number;
  readonly nodes: number;
}

export function writeSnapshot(
  disk: Disk,
  directory: string,
  sid: number,
  source: SnapshotSource,
  done: (error: Error | null, report: SnapshotReport | null) => void,
): void {
  const target = path.join(directory, snapshotName(source.zxid));
  temporaryFiles += 1;
  const temporary = `${target}.${temporaryFiles}${TEMPORARY_SUFFIX}`;
  disk.open(temporary, 'create', (openError, file) => {
    if (openError !== null || file === null) return done(openError, null);
    const writer = new SnapshotWriter(file, sid, source);
    const abandon = (error: Error): void => {
      // Best effort: recovery removes what this leaves behind.
      file.close(() => disk.remove(temporary, () => done(error, null)));
    };
    writer.run((writeError) => {
      if (writeError !== null) return abandon(writeError);
      verify(file, writer.bytes, writer.fileCrc, (verifyError) => {
        if (verifyError !== null) return abandon(verifyError);
        file.close((closeError) => {
          if (closeError !== null) return done(closeError, null);
          publish(disk, directory, temporary, target, (publishError) => {
            if (publishError !== null) return done(publishError, null);
            const { bytes, nodes } = writer;
            done(null, { zxid: source.zxid, path: target, bytes, nodes });
          });
        });
      });
    });
  });
}

class SnapshotWriter {
  bytes = 0;
  nodes = 0;
  /** Over every byte of the file. */
  fileCrc = 0;
  private readonly file: DiskFile;
  private readonly source: SnapshotSource;
  private readonly acls = new AclWriter();
  private readonly frames: Iterator<unknown>;
  private frameCrc = 0;

  constructor(file: DiskFile, sid: number, source: SnapshotSource) {
    this.file = file;
    this.source = source;
    this.frames = this.makeFrames(sid);
  }

  /** Writes frame after frame, then flushes. */
  run(done: Done): void {
    const frame = this.frames.next();
    if (frame.done === true) return this.file.datasync(done);
    const payload = encodeCbor(frame.value);
    const header = frameHeader(payload, this.frameCrc);
    this.frameCrc = crc32(payload, this.frameCrc);
    this.fileCrc = crc32(payload, crc32(header, this.fileCrc));
    const offset = this.bytes;
    this.bytes += header.length + payload.length;
    this.file.write([header, payload], offset, (error) => {
      if (error !== null) return done(error);
      this.run(done);
    });
  }

  private *makeFrames(sid: number): IterableIterator<unknown> {
    const zxid = cborInteger(this.source.zxid);
    yield { kind: 'header', version: SNAPSHOT_VERSION, sid, zxid };
    // Taken before the first write completes, while the sessions are those of the zxid.
    const sessions = Array.from(this.source.sessions(), ([id, timeoutMs]) => [
      id.hi,
      id.lo,
      timeoutMs,
    ]);
    for (let i = 0; i < sessions.length; i += SLICE_SESSIONS) {
      yield { kind: 'sessions', sessions: sessions.slice(i, i + SLICE_SESSIONS) };
    }
    let slice = this.takeSlice();
    while (slice.length > 0) {
      this.nodes += slice.length;
      yield { kind: 'nodes', acls: this.acls.takeAdded(), nodes: slice };
      slice = this.takeSlice();
    }
    yield { kind: 'footer', sessions: sessions.length, nodes: this.nodes };
  }

  private takeSlice(): unknown[][] {
    const slice: unknown[][] = [];
    let dataBytes = 0;
    while (slice.length < SLICE_NODES && dataBytes < SLICE_DATA_BYTES) {
      const nodes = this.source.next(WALK_STEP);
      if (nodes.length === 0) break;
      for (const node of nodes) {
        slice.push(nodeToCbor(node, this.acls));
        dataBytes += node.data?.length ?? 0;
      }
    }
    return slice;
  }
}

/**
 * Reads the file back and compares: a snapshot that cannot be read must not replace one that can.
 */
function verify(file: DiskFile, bytes: number, expectedCrc: number, done: Done): void {
  const block = Buffer.alloc(Math.min(VERIFY_BYTES, bytes));
  let offset = 0;
  let crc = 0;
  const next = (): void => {
    if (offset >= bytes) {
      const damaged = new SnapshotDamagedError(file.path, 0, 'the bytes that were written');
      return done(crc === expectedCrc ? null : damaged);
    }
    file.read(block.subarray(0, bytes - offset), offset, (error, length) => {
      if (error !== null) return done(error);
      if (length === 0) {
        return done(new SnapshotDamagedError(file.path, offset, `a file of ${bytes} bytes`));
      }
      crc = crc32(block.subarray(0, length), crc);
      offset += length;
      next();
    });
  };
  next();
}

function publish(
  disk: Disk,
  directory: string,
  temporary: string,
  target: string,
  done: Done,
): void {
  disk.rename(temporary, target, (error) => {
    if (error !== null) return done(error);
    disk.syncDirectory(directory, done);
  });
}
