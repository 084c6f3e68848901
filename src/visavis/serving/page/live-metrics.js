// How fast Live is: frames answered a second, and the time from the camera to the label.

const WINDOW = 3000; // milliseconds that the frames a second are counted over
const KEPT = 300; // latest latencies that the percentiles are of

export class LiveMetrics {
  #count = 0;
  #shown = [];
  #latencies = [];

  /**
   * A frame's labels are on the screen.
   * @param {number} captured when the camera took it, in milliseconds of `performance.now()`
   */
  add(captured) {
    const now = performance.now();
    this.#count += 1;
    this.#shown.push(now);
    this.#shown = this.#shown.filter((moment) => now - moment <= WINDOW);
    this.#latencies.push(now - captured);
    dispatchEvent(new CustomEvent("labelled", { detail: now - captured })); // for whoever measures
    if (this.#latencies.length > KEPT) this.#latencies.shift();
  }

  /** How many frames were shown in all. */
  get count() {
    return this.#count;
  }

  get framesPerSecond() {
    if (this.#shown.length < 2) return 0;
    return (1000 * (this.#shown.length - 1)) / (this.#shown.at(-1) - this.#shown[0]);
  }

  /** The latency that a share of frames keep below, in milliseconds. */
  percentile(share) {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  }
}
