/** A first-in first-out queue that does not move its items at every take. */
export class PendingQueue<T> {
  private items: (T | undefined)[] = [];
  private first = 0;

  get length(): number {
    return this.items.length - this.first;
  }

  get head(): T | undefined {
    return this.items[this.first];
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.first];
    this.items[this.first] = undefined;
    this.first += 1;
    if (this.first === this.items.length) {
      this.items = [];
      this.first = 0;
    } else if (this.first >= 1024 && this.first * 2 > this.items.length) {
      this.items = this.items.slice(this.first);
      this.first = 0;
    }
    return item;
  }
}
