/**
 * The seam between the journal and the medium. The real disk and the simulated one pass the same
 * contract suite, so what the simulator proves about power cuts holds for the code that ships.
 *
 * Start-up may block and uses the `…Sync` half. A serving peer uses the other half: submit, then
 * one completion, never a promise, so that whoever drives the disk owns every interleaving. Errors
 * carry the code of the operating system (`ENOSPC`, `EIO`). Nothing here retries.
 */
export type Done = (error: Error | null) => void;

/**
 * `create` fails when the file exists; `update` opens an existing file for writing; `read` an
 * existing file for reading.
 */
export type OpenMode = 'create' | 'update' | 'read';

export interface DiskFile {
  readonly path: string;
  /**
   * Writes the buffers one after the other, starting at `offset` (bytes). All of it or an error.
   */
  write(buffers: readonly Uint8Array[], offset: number, done: Done): void;
  /** What has been written, and the file's length, survive a power cut once this has completed. */
  datasync(done: Done): void;
  /** Fills `target` from `offset`; fewer bytes only at the end of the file. */
  read(
    target: Uint8Array,
    offset: number,
    done: (error: Error | null, bytes: number) => void,
  ): void;
  close(done: Done): void;
  writeSync(buffers: readonly Uint8Array[], offset: number): void;
  syncSync(): void;
  readSync(target: Uint8Array, offset: number): number;
  closeSync(): void;
}

export interface Disk {
  /** The names of the files (not the folders) of a directory, sorted; none when it is missing. */
  listSync(directory: string): string[];
  readFileSync(path: string): Uint8Array;
  /** Makes the directory and its parents, durable when this returns. */
  makeDirectorySync(directory: string): void;
  openSync(path: string, mode: OpenMode): DiskFile;
  /** Replaces `to` when it exists. Durable after a sync of the directory, as is `remove`. */
  renameSync(from: string, to: string): void;
  removeSync(path: string): void;
  syncDirectorySync(directory: string): void;

  open(
    path: string,
    mode: OpenMode,
    done: (error: Error | null, file: DiskFile | null) => void,
  ): void;
  rename(from: string, to: string, done: Done): void;
  remove(path: string, done: Done): void;
  syncDirectory(directory: string, done: Done): void;
}

/** The operating system's code of an error (`ENOSPC`), or an empty text. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
