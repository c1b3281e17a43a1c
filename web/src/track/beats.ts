/** The beats that are shown: the machine's, or those decoded through the person's corrections. */

import type { components } from "@arsis/client";
import { signal } from "@preact/signals";
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

export class Beats {
  /** The grid through the person's corrections; null shows the machine's. */
  readonly corrected = signal<Grid | null>(null);
  /** Grows whenever `within` may give something else: read it where beats are drawn. */
  readonly revision = signal(0);

  /** The beats of a span as far as they are known by now, in order of time; what is missing is fetched, and `revision` then grows. */
  within(_span: Span): readonly Beat[] {
    void this.revision.value;
    return [];
  }

  /** All beats of a span, once they are there: for the click, and for loops by bars. */
  async all(_span: Span, _signal?: AbortSignal): Promise<readonly Beat[]> {
    return [];
  }
}
