/** Hears a track through a filter: a second voice beside the player's, which is silent meanwhile. */

import type { Config } from "./prompts";

/** Sections of two poles: 24 dB an octave, so that 250 Hz leaves the bass and little else. */
const SECTIONS = 2;

export class Through {
  readonly #of: HTMLAudioElement;
  readonly #voice: HTMLAudioElement;
  readonly #context = new AudioContext();
  readonly #wasMuted: boolean;
  readonly #gone = new AbortController();

  constructor(of: HTMLAudioElement, filter: NonNullable<Config["filter"]>) {
    this.#of = of;
    this.#wasMuted = of.muted;
    of.muted = true;
    this.#voice = new Audio(of.currentSrc || of.src);
    this.#voice.preservesPitch = true;
    this.#voice.volume = of.volume;
    let from: AudioNode = this.#context.createMediaElementSource(this.#voice);
    for (let n = 0; n < SECTIONS; n += 1) {
      const section = new BiquadFilterNode(this.#context, { type: filter.type, frequency: filter.cutoff_hz });
      from = from.connect(section);
    }
    from.connect(this.#context.destination);
    const { signal } = this.#gone;
    for (const event of ["play", "pause", "seeked", "ratechange", "timeupdate"]) of.addEventListener(event, this.#follow, { signal });
    this.#follow();
  }

  #follow = (): void => {
    this.#voice.playbackRate = this.#of.playbackRate;
    // Only one of the two is heard: what matters is that the line of the playhead is not seen to be elsewhere.
    if (Math.abs(this.#voice.currentTime - this.#of.currentTime) > 0.06) this.#voice.currentTime = this.#of.currentTime;
    if (this.#of.paused) this.#voice.pause();
    else if (this.#voice.paused) void this.#voice.play().catch(() => undefined);
    if (!this.#of.paused) void this.#context.resume();
  };

  end(): void {
    this.#gone.abort();
    this.#of.muted = this.#wasMuted;
    this.#voice.pause();
    this.#voice.removeAttribute("src");
    this.#voice.load();
    void this.#context.close();
  }
}
