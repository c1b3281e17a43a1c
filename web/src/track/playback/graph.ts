/** The way of sound to the ear: music and clicks meet in one audio context, and so share one clock. */

import { Shaper } from "./shape";

/** So long the latency of the output is taken as known: Firefox waits for the sound system each time, and for ever where that is only starting. */
const LATENCY_MS = 1_000;
/** By this time of the context it has started. */
const STARTED_S = 1;

export class Graph {
  readonly context: AudioContext;
  readonly music: GainNode;
  readonly clicks: GainNode;
  readonly shaper: Shaper;
  readonly #all: GainNode;
  #latency = { s: 0, untilMs: 0 };

  constructor() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.music = this.context.createGain();
    this.clicks = this.context.createGain();
    this.#all = this.context.createGain();
    this.shaper = new Shaper(this.context, this.#all);
    this.music.connect(this.shaper.input);
    this.clicks.connect(this.#all);
    this.#all.connect(this.context.destination);
  }

  /** Loudness from 0 to 1, each. */
  setLevels(all: number, music: number, clicks: number): void {
    const now = this.context.currentTime;
    // 15 ms: quick to the hand, too slow to crackle.
    for (const [node, level] of [[this.#all, all], [this.music, music], [this.clicks, clicks]] as const) node.gain.setTargetAtTime(level, now, 0.015);
  }

  /** From the graph to the ear, in seconds, as far as the browser knows. */
  get latencyS(): number {
    const now = performance.now();
    if (this.context.currentTime >= STARTED_S && now >= this.#latency.untilMs) {
      const known = (this.context.baseLatency || 0) + (this.context.outputLatency || 0);
      this.#latency = { s: Number.isFinite(known) ? Math.min(known, 1) : 0, untilMs: now + LATENCY_MS };
    }
    return this.#latency.s;
  }

  async resume(): Promise<void> {
    if (this.context.state !== "running") await this.context.resume();
  }

  dispose(): void {
    void this.context.close();
  }
}
