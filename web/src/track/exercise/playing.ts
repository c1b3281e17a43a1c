/** What playback is asked for by an exercise: a span, so often, so fast, partly silent, then the end. */

import { effect } from "@preact/signals";
import type { Player } from "../playback/player";
import { AS_IT_IS } from "../playback/shape";
import type { Shape } from "../playback/shape";
import type { Span } from "../view";

export interface Playing extends Shape {
  readonly span: Span;
  readonly loop: boolean;
  /** How often the span is played. */
  readonly times: number;
  readonly rate: number;
}

export const plainly = (span: Span): Playing => ({ ...AS_IT_IS, span, loop: false, times: 1, rate: 1 });

/** One performance: begins at once, and puts everything back as it was when it ends. */
export class Performance {
  readonly #player: Player;
  readonly #playing: Playing;
  readonly #before: { readonly rate: number; readonly loop: Span | null; readonly clicks: boolean };
  /** Told of the end: whether all of it was heard, or playback was wanted for something else. */
  readonly #onEnd: (isHeard: boolean) => void;
  readonly #stopWatching: () => void;
  #ended = false;
  /** Up to where it was heard. */
  heardToMs: number;

  constructor(player: Player, playing: Playing, onEnd: (isHeard: boolean) => void) {
    this.#player = player;
    this.#playing = playing;
    this.#onEnd = onEnd;
    this.#before = { rate: player.rate.peek(), loop: player.loop.peek(), clicks: player.clicks.on.peek() };
    this.heardToMs = playing.span.fromMs;
    // The player's own clicks would tap the answer.
    player.clicks.on.value = false;
    player.setRate(playing.rate);
    player.setShape(playing);
    player.loop.value = playing.loop ? playing.span : null;
    player.seek(playing.span.fromMs);
    void player.play();
    this.#stopWatching = this.#watch(playing);
  }

  #watch({ span, loop, times }: Playing): () => void {
    let left = times;
    let last = span.fromMs;
    let seeks = this.#player.seeks.peek();
    return effect(() => {
      const [now, seek] = [this.#player.timeMs.value, this.#player.seeks.value];
      if (this.#ended) return;
      if (seek !== seeks && (now < span.fromMs || now >= span.toMs)) return this.#give();
      seeks = seek;
      if (now >= last && now <= span.toMs) this.heardToMs = Math.max(this.heardToMs, now);
      last = now;
      // The player goes round by itself, without a gap, as long as nobody takes the loop from it.
      if (now < span.toMs - 5 || (loop && this.#player.loop.peek() === span)) return;
      this.heardToMs = span.toMs;
      if ((left -= 1) > 0) queueMicrotask(() => this.#again(span));
      else queueMicrotask(() => this.#ended || (this.end(), this.#onEnd(true)));
    });
  }

  #again(span: Span): void {
    if (this.#ended) return;
    this.#player.seek(span.fromMs);
    void this.#player.play();
  }

  end(): void {
    if (this.#ended) return;
    this.#player.pause();
    this.#restore();
    this.#player.loop.value = this.#before.loop;
  }

  /** Somebody went elsewhere in the track: what plays there plays on, as it would without an exercise. */
  #give(): void {
    this.#restore();
    if (this.#player.loop.peek() === this.#playing.span) this.#player.loop.value = null;
    this.#onEnd(false);
  }

  #restore(): void {
    this.#ended = true;
    this.#stopWatching();
    this.#player.setRate(this.#before.rate);
    this.#player.setShape(AS_IT_IS);
    this.#player.clicks.on.value = this.#before.clicks;
  }
}
