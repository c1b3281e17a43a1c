/** How a person moves the view: each way of asking for another part of the track ends here. */

import type { TrackModel } from "./model";
import { clamp, pan, show, toX, whole, zoomAt } from "./view";
import type { View } from "./view";

/** One step of a key or button. */
const STEP = 0.6;

/** Shows something else. Playback then goes on without the view, unless the playhead is still in it. */
export function look(model: TrackModel, view: View): void {
  model.view.value = view;
  if (!model.player.playing.peek()) return;
  const x = toX(view, model.player.timeMs.peek());
  if (x < 0 || x > view.widthPx) model.follows.value = false;
}

/** Closer (`steps` above 0) or farther, around the playhead where it is seen, else around the middle. */
export function zoom(model: TrackModel, steps: number): void {
  const view = model.view.peek();
  const head = toX(view, model.player.timeMs.peek());
  zoomBy(model, head >= 0 && head <= view.widthPx ? head : view.widthPx / 2, STEP ** steps);
}

export const zoomBy = (model: TrackModel, x: number, factor: number): void => look(model, zoomAt(model.view.peek(), x, factor, model.durationMs.peek()));

export const panBy = (model: TrackModel, px: number): void => look(model, pan(model.view.peek(), px, model.durationMs.peek()));

export const showWhole = (model: TrackModel): void => look(model, whole(model.durationMs.peek(), model.view.peek().widthPx));

/** Puts a time into the middle. */
export function centre(model: TrackModel, ms: number): void {
  const view = model.view.peek();
  look(model, clamp({ ...view, fromMs: ms - (view.widthPx * view.msPerPx) / 2 }, model.durationMs.peek()));
}

export function zoomToSelection(model: TrackModel): void {
  const span = model.selection.peek();
  if (span) look(model, show(model.view.peek(), span, model.durationMs.peek()));
}
