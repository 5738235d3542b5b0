/**
 * What has been sent and not yet settled, in order. Acknowledgements may come in any order; an item
 * settles only after everything sent before it, so that progress never jumps over a loss.
 */
interface Entry<T> {
  readonly item: T;
  isAcknowledged: boolean;
}

export class Window<T> {
  private readonly onSettled: (item: T) => void;
  private readonly entries: Entry<T>[] = [];

  constructor(onSettled: (item: T) => void) {
    this.onSettled = onSettled;
  }

  get size(): number {
    return this.entries.length;
  }

  /** Adds an item that is on its way. The function returned acknowledges it. */
  add(item: T): () => void {
    const entry: Entry<T> = { item, isAcknowledged: false };
    this.entries.push(entry);
    return () => {
      entry.isAcknowledged = true;
      this.settle();
    };
  }

  /** What has not been acknowledged, oldest first. */
  pending(): T[] {
    return this.entries.filter((entry) => !entry.isAcknowledged).map((entry) => entry.item);
  }

  private settle(): void {
    while (this.entries[0]?.isAcknowledged) {
      const entry = this.entries.shift();
      if (entry !== undefined) this.onSettled(entry.item);
    }
  }
}
