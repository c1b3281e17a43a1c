/** Where the sound of a media element lies on the clock of the audio context: straight arithmetic over readings of both clocks. */

/** Readings that are looked at: a quarter of a second's worth to two seconds', as browsers tell their position more or less often. */
const MOST = 24;
/** Fewer say nothing certain. */
const LEAST = 3;

/**
 * While an element plays at one rate, `media = offset + rate · context`. Single readings of `offset` lag, as an element tells
 * its position in steps (Firefox of some 40 ms). So only those count that found it on a new step, and as these come late by
 * up to the time between two readings, a high quantile of them is taken.
 */
export class Fit {
  #offsets: number[] = [];
  #rate = 1;
  #lastS: number | null = null;
  #offset: number | null = null;
  /** How far the sound is ahead of the element's clock, in seconds of the context. */
  leadS = 0;

  /** Forgets all readings: after a seek, a stall, or a change of rate. */
  reset(rate: number): void {
    this.#offsets = [];
    this.#rate = rate;
    this.#lastS = null;
    this.#offset = null;
  }

  /** Both clocks, read at one moment, in seconds. Those from before the element moves for the first time count for nothing. */
  add(contextS: number, mediaS: number): void {
    const isNew = this.#lastS !== null && mediaS !== this.#lastS;
    this.#lastS = mediaS;
    if (!isNew) return;
    this.#offsets.push(mediaS - contextS * this.#rate);
    if (this.#offsets.length > MOST) this.#offsets.shift();
    const sorted = [...this.#offsets].sort((a, b) => a - b);
    this.#offset = sorted[Math.ceil((sorted.length - 1) * 0.8)]!;
  }

  get isKnown(): boolean {
    return this.#offsets.length >= LEAST;
  }

  /** Position in the media, in seconds, that the element gives out at a time of the context. */
  mediaS(contextS: number): number | null {
    return this.#offset === null ? null : this.#offset + (contextS + this.leadS) * this.#rate;
  }

  /** Time of the context at which the element gives out a position in the media. */
  contextS(mediaS: number): number | null {
    return this.isKnown && this.#offset !== null ? (mediaS - this.#offset) / this.#rate - this.leadS : null;
  }
}

/**
 * The context's clock, made smooth: it moves in steps of what is rendered at once, while `performance.now` flows.
 * The mean of their difference is followed slowly, so that steps vanish and drift does not grow.
 */
export class SmoothClock {
  #offsetS: number | null = null;

  reset(): void {
    this.#offsetS = null;
  }

  add(contextS: number, nowMs: number): void {
    const offset = contextS - nowMs / 1000;
    // Far off, the context has been stopped meanwhile: to be believed at once.
    const isFar = this.#offsetS === null || Math.abs(offset - this.#offsetS) > 0.1;
    this.#offsetS = isFar ? offset : this.#offsetS! + (offset - this.#offsetS!) * 0.05;
  }

  /** The context's time at a time of `performance.now`. */
  at(nowMs: number): number {
    return nowMs / 1000 + (this.#offsetS ?? 0);
  }
}
