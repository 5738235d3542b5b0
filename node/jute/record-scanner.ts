/**
 * Finds where a record ends in a stream that has no lengths in front of its records. The scan goes
 * on where the last one stopped, so a record that arrives byte by byte is still looked at once.
 */
import { JuteError } from './errors.ts';

/** A field of a fixed number of bytes, or one with an int32 length (-1 for null) in front. */
export type Field = number | 'bytes';

/** The fields of a record: `head`, and where `items` is not null a counted vector of those. */
export interface Layout {
  readonly name: string;
  readonly head: readonly Field[];
  readonly items: readonly Field[] | null;
}

const LENGTH_BYTES = 4;

export class RecordScanner {
  private readonly layout: Layout;
  private readonly bytesMax: number;
  private fields: readonly Field[];
  private index = 0;
  private itemsLeft: number | null = null;
  private scanned = 0;

  /** A record of more than `bytesMax` bytes is refused as soon as that is known. */
  constructor(layout: Layout, bytesMax: number) {
    this.layout = layout;
    this.bytesMax = bytesMax;
    this.fields = layout.head;
  }

  /**
   * The length of the record that starts at `start`, or null while `bytes` ends (at `end`) before
   * it does. Until then every call must have the same record at `start`.
   */
  scan(bytes: Buffer, start: number, end: number): number | null {
    const available = end - start;
    for (;;) {
      const field = this.fields[this.index];
      if (field === undefined) {
        if (this.itemsLeft === null && this.layout.items !== null) {
          if (available < this.scanned + LENGTH_BYTES) return null;
          this.beginItems(this.lengthAt(bytes, start));
        } else if (this.itemsLeft === null || this.itemsLeft === 0) {
          return available < this.scanned ? null : this.finish();
        } else {
          this.itemsLeft -= 1;
          this.fields = this.layout.items ?? [];
          this.index = 0;
        }
      } else if (field === 'bytes') {
        if (available < this.scanned + LENGTH_BYTES) return null;
        this.take(Math.max(this.lengthAt(bytes, start), 0));
        this.index += 1;
      } else {
        this.take(field);
        this.index += 1;
      }
    }
  }

  private lengthAt(bytes: Buffer, start: number): number {
    const length = bytes.readInt32BE(start + this.scanned);
    if (length < -1) throw new JuteError(`${this.layout.name}: length ${length} is negative`);
    this.take(LENGTH_BYTES);
    return length;
  }

  /** Items of no bytes would make a count free of charge: the layouts have none. */
  private beginItems(count: number): void {
    this.itemsLeft = Math.max(count, 0);
  }

  private take(count: number): void {
    this.scanned += count;
    if (this.scanned <= this.bytesMax) return;
    const { name } = this.layout;
    throw new JuteError(`${name} of ${this.scanned} bytes or more, ${this.bytesMax} allowed`);
  }

  private finish(): number {
    const length = this.scanned;
    this.fields = this.layout.head;
    this.index = 0;
    this.itemsLeft = null;
    this.scanned = 0;
    return length;
  }
}
