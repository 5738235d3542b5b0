/**
 * Reads a snapshot back, frame by frame, so that only one slice is in memory beside the tree that
 * is being built. Used twice at start: once without a sink, to know that the file is whole before
 * it is chosen, and once to build the tree.
 */
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { AclList } from '../core/tree/acl.ts';
import { formatZxid, type Zxid } from '../core/zxid.ts';
import { CborError, decodeCbor, readInteger, readList, readMap } from './cbor.ts';
import { type Disk, type DiskFile, errorCode } from './disk.ts';
import { SnapshotDamagedError } from './errors.ts';
import {
  aclFromCbor,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  nodeFromCbor,
  readSnapshotHeader,
  type SnapshotSink,
  sessionFromCbor,
  snapshotName,
} from './snapshot-format.ts';

/** Blocks. Throws SnapshotDamagedError; the sink may have been given a part by then. */
export function loadSnapshot(
  disk: Disk,
  directory: string,
  zxid: Zxid,
  sink: SnapshotSink,
): { readonly bytes: number } {
  return readSnapshot(disk, directory, zxid, sink);
}

/** Reads and checks every byte. Throws SnapshotDamagedError, also for a file that is missing. */
export function verifySnapshot(
  disk: Disk,
  directory: string,
  zxid: Zxid,
): { readonly bytes: number } {
  return readSnapshot(disk, directory, zxid, null);
}

function readSnapshot(
  disk: Disk,
  directory: string,
  zxid: Zxid,
  sink: SnapshotSink | null,
): { readonly bytes: number } {
  const target = path.join(directory, snapshotName(zxid));
  let file: DiskFile;
  try {
    file = disk.openSync(target, 'read');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new SnapshotDamagedError(target, 0, 'a snapshot that the journal refers to');
  }
  try {
    const reader = new SnapshotReader(file, zxid, sink);
    while (!reader.isComplete) reader.readFrame();
    reader.expectEnd();
    return { bytes: reader.offset };
  } finally {
    file.closeSync();
  }
}

class SnapshotReader {
  offset = 0;
  isComplete = false;
  private readonly file: DiskFile;
  private readonly zxid: Zxid;
  private readonly sink: SnapshotSink | null;
  private readonly acls: AclList[] = [];
  private crc = 0;
  private sessions = 0;
  private nodes = 0;

  constructor(file: DiskFile, zxid: Zxid, sink: SnapshotSink | null) {
    this.file = file;
    this.zxid = zxid;
    this.sink = sink;
  }

  readFrame(): void {
    const header = Buffer.alloc(FRAME_HEADER_BYTES);
    if (this.file.readSync(header, this.offset) !== header.length) this.damaged('a frame');
    const length = header.readUInt32BE(0);
    if (length > FRAME_BYTES_MAX) this.damaged('the length of a frame');
    const payload = Buffer.alloc(length);
    if (this.file.readSync(payload, this.offset + header.length) !== length) {
      this.damaged(`a frame of ${length} bytes`);
    }
    this.crc = crc32(payload, this.crc);
    if (this.crc !== header.readUInt32BE(4)) this.damaged('a frame with its checksum');
    try {
      this.take(payload);
    } catch (error) {
      if (!(error instanceof CborError)) throw error;
      this.damaged(error.message);
    }
    this.offset += header.length + length;
  }

  expectEnd(): void {
    if (this.file.readSync(Buffer.alloc(1), this.offset) !== 0) this.damaged('the end of the file');
  }

  private take(payload: Buffer): void {
    const map = readMap(decodeCbor(payload), 'frame');
    if (this.offset === 0) {
      const zxid = readSnapshotHeader(map);
      if (zxid !== this.zxid) throw new CborError(`the snapshot of ${formatZxid(this.zxid)}`);
      return;
    }
    switch (map.get('kind')) {
      case 'sessions':
        for (const item of readList(map.get('sessions'), 'sessions')) {
          const [id, timeoutMs] = sessionFromCbor(item);
          this.sessions += 1;
          this.sink?.addSession(id, timeoutMs);
        }
        return;
      case 'nodes':
        for (const item of readList(map.get('acls'), 'acls')) this.acls.push(aclFromCbor(item));
        for (const item of readList(map.get('nodes'), 'nodes')) {
          const node = nodeFromCbor(item, this.acls);
          this.nodes += 1;
          this.sink?.addNode(node);
        }
        return;
      case 'footer':
        readInteger(map.get('sessions'), `${this.sessions} sessions`, this.sessions, this.sessions);
        readInteger(map.get('nodes'), `${this.nodes} znodes`, this.nodes, this.nodes);
        this.isComplete = true;
        return;
      default:
        throw new CborError('sessions, nodes or the footer');
    }
  }

  private damaged(expected: string): never {
    throw new SnapshotDamagedError(this.file.path, this.offset, expected);
  }
}
