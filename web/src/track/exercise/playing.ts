/** What playback is asked for by an exercise: a span, so often, so fast, partly silent, then the end. */

import { effect } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Player } from "../playback/player";
import type { Span } from "../view";
import { Through } from "./filtered";
import type { Config } from "./prompts";

/** What a player may be able to do beyond the least. */
type Able = Player & {
  readonly tapTimeMs?: (event: Event) => number;
  readonly setRate?: (rate: number) => void;
  readonly clicks?: { readonly on: Signal<boolean> };
};

/** What was heard at the moment of a tap, in ms. */
export const tapTimeMs = (player: Player, event: Event): number => (player as Able).tapTimeMs?.(event) ?? player.timeMs.peek();

function setRate(player: Able, rate: number): void {
  if (player.setRate) return player.setRate(rate);
  player.rate.value = rate;
  player.element.playbackRate = rate;
}

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
  readonly #player: Able;
  /** What plays when it begins. Volume and silence are set here, since the person's own setting is kept for other times. */
  readonly #element: HTMLAudioElement;
  readonly #before: { readonly rate: number; readonly volume: number; readonly muted: boolean; readonly loop: Span | null; readonly clicks: boolean };
  readonly #through: Through | null;
  readonly #stopWatching: () => void;
  #ended = false;
  /** Up to where it was heard. */
  heardToMs: number;

  constructor(player: Player, playing: Playing, onEnd: () => void) {
    const able: Able = player;
    this.#player = able;
    const element = (this.#element = player.element);
    this.#before = { rate: player.rate.peek(), volume: element.volume, muted: element.muted, loop: player.loop.peek(), clicks: able.clicks?.on.peek() ?? false };
    this.heardToMs = playing.span.fromMs;
    // The player's own clicks would tap the answer.
    if (able.clicks) able.clicks.on.value = false;
    setRate(able, playing.rate);
    element.volume = this.#before.volume * playing.level;
    this.#through = playing.filter ? new Through(element, playing.filter) : null;
    // A player may loop by changing over to another element, which no filter follows.
    player.loop.value = playing.loop && !playing.filter ? playing.span : null;
    player.seek(playing.span.fromMs);
    void Promise.resolve(player.play()).catch(() => undefined); // The player says itself why there is no sound.
    this.#stopWatching = this.#watch(playing, onEnd);
  }

  #watch({ span, loop, times, mutedFromMs }: Playing, onEnd: () => void): () => void {
    let left = times;
    let last = span.fromMs;
    return effect(() => {
      const now = this.#player.timeMs.value;
      if (this.#ended) return;
      if (now >= last && now <= span.toMs) this.heardToMs = Math.max(this.heardToMs, now);
      last = now;
      if (mutedFromMs !== null) this.#element.muted = this.#before.muted || now >= mutedFromMs;
      if (now < span.toMs - 5) return;
      this.heardToMs = span.toMs;
      // A player that loops by itself hardly comes here.
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
    setRate(this.#player, this.#before.rate);
    this.#player.loop.value = this.#before.loop;
    if (this.#player.clicks) this.#player.clicks.on.value = this.#before.clicks;
    Object.assign(this.#element, { volume: this.#before.volume, muted: this.#before.muted });
  }
}
