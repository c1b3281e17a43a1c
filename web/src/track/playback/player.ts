/** Plays the track's audio, and knows what is being heard. */

import { batch, signal } from "@preact/signals";
import type { Span } from "../view";

/** Why there is no sound, for the person. */
export type PlayerFailure = { readonly title: string; readonly detail: string };

export class Player {
  readonly element: HTMLAudioElement;
  /** What is heard now, in ms: the media clock less the latency of the output. Changes with each picture while it plays. */
  readonly timeMs = signal(0);
  readonly playing = signal(false);
  readonly rate = signal(1);
  /** What is played again and again. */
  readonly loop = signal<Span | null>(null);
  readonly failure = signal<PlayerFailure | null>(null);

  constructor(trackId: string) {
    this.element = new Audio(`/v1/tracks/${trackId}/audio`);
    this.element.preload = "metadata";
    this.element.preservesPitch = true;
    this.element.addEventListener("play", () => ((this.playing.value = true), this.#tick()));
    this.element.addEventListener("pause", () => (this.playing.value = false));
    this.element.addEventListener("seeked", () => (this.timeMs.value = this.element.currentTime * 1000));
  }

  async play(): Promise<void> {
    await this.element.play();
  }

  pause(): void {
    this.element.pause();
  }

  toggle(): void {
    if (this.playing.peek()) this.pause();
    else void this.play();
  }

  seek(ms: number): void {
    batch(() => {
      this.element.currentTime = ms / 1000;
      this.timeMs.value = ms;
    });
  }

  dispose(): void {
    this.pause();
    this.element.removeAttribute("src");
    this.element.load();
  }

  #tick = (): void => {
    if (!this.playing.peek()) return;
    this.timeMs.value = this.element.currentTime * 1000;
    requestAnimationFrame(this.#tick);
  };
}
