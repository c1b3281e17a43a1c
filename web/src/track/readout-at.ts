/** What the pointer is on. */

import { signal } from "@preact/signals";
import type { TrackModel } from "./model";
import { toMs } from "./view";

export interface Pointed {
  readonly x: number;
  readonly ms: number;
  /** Place in the spectrum from its foot, 0 to 1; null elsewhere. */
  readonly height: number | null;
}

/** Where the pointer is over the lanes; null elsewhere. There is one pointer. */
export const pointed = signal<Pointed | null>(null);

export function hover(box: HTMLElement, model: TrackModel): () => void {
  const ended = new AbortController();
  const { signal: until } = ended;
  const move = (event: PointerEvent): void => {
    if (event.pointerType === "touch") return;
    const x = event.clientX - box.getBoundingClientRect().left;
    const view = model.view.peek();
    if (x < 0 || x >= view.widthPx) return void (pointed.value = null);
    const spectrum = event.target instanceof Element ? event.target.closest("[data-kind=spectrogram]")?.getBoundingClientRect() : undefined;
    pointed.value = { x, ms: toMs(view, x), height: spectrum ? 1 - (event.clientY - spectrum.top) / spectrum.height : null };
  };
  box.addEventListener("pointermove", move, { signal: until });
  box.addEventListener("pointerleave", () => (pointed.value = null), { signal: until });
  return () => (ended.abort(), (pointed.value = null));
}
