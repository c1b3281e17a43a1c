/** What playback is asked for by an exercise: a span, so often, so fast, partly silent, then the end. */

import { effect } from "@preact/signals";
import type { Player } from "../playback/player";
import type { Span } from "../view";
import { Through } from "./filtered";
import type { Config } from "./prompts";

/** What a player may be able to do beyond the least. */
type Able = Player & {
  playSpan?: (span: Span, options?: { loop?: boolean }) => unknown;
  tapTimeMs?: (event: Event) => number;
};

/** What was heard at the moment of a tap, in ms. */
export const tapTimeMs = (player: Player, event: Event): number => (player as Able).tapTimeMs?.(event) ?? player.timeMs.peek();

export interface Playing {
  readonly span: Span;
  readonly loop: boolean;
  /** How often the span is played. */
  readonly times: number;
  readonly rate: number;
  /** From here on nothing is heard; null never. */
  readonly mutedFromMs: number | null;
  /** 0 to 1, of the volume that is set. */
  readonly level: number;
  readonly filter: Config["filter"];
}

export const plainly = (span: Span): Playing => ({ span, loop: false, times: 1, rate: 1, mutedFromMs: null, level: 1, filter: undefined });

/** One performance: begins at once, and puts everything back as it was when it ends. */
export class Performance {
  readonly #player: Player;
  readonly #before: { readonly rate: number; readonly volume: number; readonly muted: boolean; readonly loop: Span | null };
  readonly #through: Through | null;
  readonly #stopWatching: () => void;
  #ended = false;
  /** Up to where it was heard. */
  heardToMs: number;

  constructor(player: Player, playing: Playing, onEnd: () => void) {
    const { element } = player;
    this.#player = player;
    this.#before = { rate: player.rate.peek(), volume: element.volume, muted: element.muted, loop: player.loop.peek() };
    this.heardToMs = playing.span.fromMs;
    player.rate.value = playing.rate;
    element.playbackRate = playing.rate;
    element.volume = this.#before.volume * playing.level;
    this.#through = playing.filter ? new Through(element, playing.filter) : null;
    player.loop.value = playing.loop ? playing.span : null;
    player.seek(playing.span.fromMs);
    void Promise.resolve(player.play()).catch(() => undefined); // The player says itself why there is no sound.
    this.#stopWatching = this.#watch(playing, onEnd);
  }

  #watch({ span, loop, times, mutedFromMs }: Playing, onEnd: () => void): () => void {
    let [left, last] = [times, span.fromMs];
    // The seek to the start may be told of later than the place before it.
    let begun = false;
    return effect(() => {
      const now = this.#player.timeMs.value;
      if (this.#ended) return;
      begun ||= now >= span.fromMs - 20 && now < span.toMs;
      if (!begun) return;
      if (now >= last && now <= span.toMs) this.heardToMs = Math.max(this.heardToMs, now);
      last = now;
      if (mutedFromMs !== null) this.#player.element.muted = this.#before.muted || now >= mutedFromMs;
      if (now < span.toMs - 5 && !this.#player.element.ended) return;
      this.heardToMs = span.toMs;
      // A player that loops by itself never comes here.
      if (loop || (left -= 1) > 0) queueMicrotask(() => this.#again(span));
      else queueMicrotask(() => this.#ended || (this.end(), onEnd()));
    });
  }

  #again(span: Span): void {
    if (this.#ended) return;
    this.#player.seek(span.fromMs);
    if (!this.#player.playing.peek()) void Promise.resolve(this.#player.play()).catch(() => undefined);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopWatching();
    this.#through?.end();
    this.#player.pause();
    this.#player.rate.value = this.#before.rate;
    this.#player.loop.value = this.#before.loop;
    Object.assign(this.#player.element, { playbackRate: this.#before.rate, volume: this.#before.volume, muted: this.#before.muted });
  }
}
