/** The beats that are shown: the machine's, or those decoded through the person's corrections. */

import type { components, Event } from "@arsis/client";
import { computed, signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { EventWindows } from "./events";
import type { Part } from "./exercise/conceal";
import type { Span } from "./view";

export type Grid = components["schemas"]["Grid"];

export interface Beat {
  readonly timeMs: number;
  /** Number of the bar, from 1; null where no bars are known. */
  readonly bar: number | null;
  /** Place in the bar, 1 is the downbeat; null where no bars are known. */
  readonly position: number | null;
  readonly origin: "machine" | "corrected" | "inferred";
}

/** Two minutes of music have some 250 beats, half an hour some 900 bars: a page each. */
const BEATS_MS = 128_000;
const BARS_MS = 1_024_000;
/** A longer span than this has more beats than can be told apart: nothing is fetched for it. */
export const BEATS_SEEN_MS = 1_200_000;
export const BARS_SEEN_MS = 7_200_000;

export class Beats {
  /** The grid through the person's corrections; null shows the machine's. */
  readonly corrected = signal<Grid | null>(null);
  readonly #beats = new EventWindows("beat", BEATS_MS);
  readonly #bars = new EventWindows("downbeat", BARS_MS);
  readonly #grid = computed(() => {
    const grid = this.corrected.value;
    return grid && grid.events.filter((event) => event.event_type === "beat").map(beatOf);
  });
  /** Grows whenever `within` may give something else: read it where beats are drawn. */
  readonly revision = computed(() => this.#beats.revision.value + this.#bars.revision.value + (this.corrected.value ? 0.5 : 0) + (this.#isBarless.value ? 0.25 : 0) + generation(this.corrected.value));
  /** While bars are what is asked for, beats are all alike. */
  readonly #isBarless = computed(() => this.concealed.value.has("downbeats"));

  constructor(private readonly concealed: ReadonlySignal<ReadonlySet<Part>>) {}

  /** Whose beats; null while there are none. */
  use(analysisId: string | null): void {
    this.#beats.use(analysisId);
    this.#bars.use(analysisId);
  }

  /** Asks again for what could not be fetched. */
  retry(): void {
    this.#beats.retry();
    this.#bars.retry();
  }

  /** The beats of a span as far as they are known by now, in order of time; what is missing is fetched, and `revision` then grows. Of a span too long to tell beats apart, none. */
  within(span: Span): readonly Beat[] {
    if (this.#grid.value) return this.#told(cut(this.#grid.value, span));
    if (span.toMs - span.fromMs > BEATS_SEEN_MS) return [];
    return this.#told(cut(this.#beats.within(span).map(beatOf), span));
  }

  /** The first beats of the bars of a span, likewise. */
  downbeats(span: Span): readonly Beat[] {
    if (this.#isBarless.value) return [];
    if (this.#grid.value) return cut(this.#grid.value, span).filter((beat) => beat.position === 1);
    if (span.toMs - span.fromMs > BARS_SEEN_MS) return [];
    return cut(this.#bars.within(span).map(beatOf), span);
  }

  /** All beats of a span, once they are there: for the click, and for loops by bars. */
  async all(span: Span, signal?: AbortSignal): Promise<readonly Beat[]> {
    return this.#told(this.#grid.peek() ? cut(this.#grid.peek()!, span) : (await this.#beats.all(span, signal)).map(beatOf));
  }

  /** Beats as they may be told now. */
  #told(beats: readonly Beat[]): readonly Beat[] {
    return this.#isBarless.value ? beats.map((beat) => ({ ...beat, bar: null, position: null })) : beats;
  }
}

/** A number that is another with each grid. */
const generations = new WeakMap<Grid, number>();
let last = 0;
function generation(grid: Grid | null): number {
  if (!grid) return 0;
  if (!generations.has(grid)) generations.set(grid, (last += 1));
  return generations.get(grid)! * 1e6;
}

type Told = Pick<Event, "time_ms" | "event_data">;

function beatOf({ time_ms, event_data }: Told): Beat {
  const place = (event_data ?? {}) as { bar?: number; position?: number; origin?: Beat["origin"] };
  return { timeMs: time_ms, bar: place.bar ?? null, position: place.position ?? null, origin: place.origin ?? "machine" };
}

/** Of beats in order of time, those of a span. */
function cut(beats: readonly Beat[], { fromMs, toMs }: Span): readonly Beat[] {
  const [first, end] = [firstFrom(beats, fromMs), firstFrom(beats, toMs)];
  return beats.slice(first, end);
}

function firstFrom(beats: readonly Beat[], ms: number): number {
  let [low, high] = [0, beats.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (beats[middle]!.timeMs < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
