/** Clicks at given times of a track while it plays: what was found, or what was answered, to be heard with the music. */

import { effect } from "@preact/signals";
import type { Player } from "../playback/player";
import { lowerBound } from "./compare/numbers";

/** How far ahead clicks are handed to the sound card, and how often. */
const [AHEAD_MS, EVERY_MS] = [250, 50];
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
  readonly #stop: () => void;
  /** What is heard, and when that was so: between pictures the time is counted on. */
  #heard = { ms: 0, at: 0 };
  #doneToMs = -Infinity;
  #lastMs = -Infinity;

  constructor(player: Player, voices: readonly Voice[]) {
    this.#player = player;
    this.#voices = voices;
    void this.#context.resume();
    this.#stop = effect(() => void (this.#heard = { ms: player.timeMs.value, at: performance.now() }));
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  #look(): void {
    const rate = this.#player.rate.peek() || 1;
    const now = this.#heard.ms + (this.#player.playing.peek() ? (performance.now() - this.#heard.at) * rate : 0);
    // After a seek or another round of a loop everything begins anew.
    if (now < this.#lastMs - 20 || now > this.#lastMs + 1000) this.#doneToMs = now;
    this.#lastMs = now;
    if (!this.#player.playing.peek()) return;
    const toMs = now + AHEAD_MS * rate;
    const fromMs = Math.max(this.#doneToMs, now);
    // What is handed over now is heard later by the latency of the output.
    const nowS = this.#context.currentTime - (this.#context.outputLatency || 0);
    for (const { timesMs, hz } of this.#voices) {
      for (let i = lowerBound(timesMs, fromMs); i < timesMs.length && timesMs[i]! < toMs; i += 1) this.#click(hz, nowS + (timesMs[i]! - now) / rate / 1000);
    }
    this.#doneToMs = toMs;
  }

  #click(hz: number, atS: number): void {
    const at = Math.max(atS, this.#context.currentTime);
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
    this.#stop();
    void this.#context.close();
  }
}
