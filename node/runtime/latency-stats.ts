/** How long requests took, whole milliseconds, as `srvr` and `mntr` report it. */
export class LatencyStats {
  private count = 0;
  private sum = 0;
  private least = Number.POSITIVE_INFINITY;
  private most = 0;

  note(latencyMs: number): void {
    this.count += 1;
    this.sum += latencyMs;
    if (latencyMs < this.least) this.least = latencyMs;
    if (latencyMs > this.most) this.most = latencyMs;
  }

  get minMs(): number {
    return this.count === 0 ? 0 : this.least;
  }

  get averageMs(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  get maxMs(): number {
    return this.most;
  }

  reset(): void {
    this.count = 0;
    this.sum = 0;
    this.least = Number.POSITIVE_INFINITY;
    this.most = 0;
  }
}
