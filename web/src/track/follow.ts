/** Takes the view along with playback, a page at a time: the picture stands still in between, and nothing is drawn anew. */

import { effect } from "@preact/signals";
import type { TrackModel } from "./model";
import { hold, toX } from "./view";

/** Where the playhead is on a page that has just been turned, 0 left to 1 right. */
const PLACE = 0.06;

export function followPlayback(model: TrackModel): () => void {
  return effect(() => {
    const ms = model.player.timeMs.value;
    if (!model.follows.value || !model.player.playing.value) return;
    const view = model.view.peek();
    // Hidden at the right edge is as good as gone.
    const x = toX(view, ms);
    const edge = view.widthPx * 0.98;
    if (x >= 0 && x < edge) return;
    const turned = hold({ ...view, widthPx: Math.max(edge, 1) }, ms, PLACE, model.durationMs.peek());
    if (turned.fromMs !== view.fromMs) model.view.value = { ...view, fromMs: Math.min(turned.fromMs, Math.max(model.durationMs.peek() - view.widthPx * view.msPerPx, 0)) };
  });
}
