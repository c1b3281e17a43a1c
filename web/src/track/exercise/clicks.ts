/** Clicks at given times of a track while it plays: what was found, or what was answered, to be heard with the music. */

import type { Player } from "../playback/player";
import { lowerBound } from "./compare/numbers";

/** How far ahead clicks are handed to the sound card, and how often. */
const [AHEAD_MS, EVERY_MS] = [160, 50];
const CLICK_S = 0.03;

/** A row of times, and the tone by which it is known. */
export interface Voice {
  /** In order of time, in ms. */
  readonly timesMs: readonly number[];
  readonly hz: number;
}

export class ClickTrack {
  readonly #player: Player;
  readonly #voices: readonly Voice[];
  readonly #context = new AudioContext({ latencyHint: "interactive" });
  readonly #timer: ReturnType<typeof setInterval>;
  #doneToMs = -Infinity;
  #lastMs = -Infinity;

  constructor(player: Player, voices: readonly Voice[]) {
    this.#player = player;
    this.#voices = voices;
    void this.#context.resume();
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  #look(): void {
    const now = this.#player.element.currentTime * 1000;
    // After a seek or another round of a loop everything begins anew.
    if (now < this.#lastMs - 20 || now > this.#lastMs + 1000) this.#doneToMs = now;
    this.#lastMs = now;
    if (!this.#player.playing.peek()) return;
    const rate = this.#player.element.playbackRate || 1;
    const toMs = now + AHEAD_MS * rate;
    const fromMs = Math.max(this.#doneToMs, now);
    for (const { timesMs, hz } of this.#voices) {
      for (let i = lowerBound(timesMs, fromMs); i < timesMs.length && timesMs[i]! < toMs; i += 1) this.#click(hz, this.#context.currentTime + (timesMs[i]! - now) / rate / 1000);
    }
    this.#doneToMs = toMs;
  }

  #click(hz: number, at: number): void {
    const tone = new OscillatorNode(this.#context, { frequency: hz });
    const level = new GainNode(this.#context, { gain: 0 });
    level.gain.setValueAtTime(0.4, at);
    level.gain.exponentialRampToValueAtTime(0.001, at + CLICK_S);
    tone.connect(level).connect(this.#context.destination);
    tone.start(at);
    tone.stop(at + CLICK_S);
  }

  end(): void {
    clearInterval(this.#timer);
    void this.#context.close();
  }
}
