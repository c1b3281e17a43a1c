/** Which of many things on a lane are drawn, and in which of its rows: as few that overlap as there is room for. */

import type { View } from "../view";
import type { Item, Thing } from "./things";

export const MOST_ROWS = 3;
/** Closer together than this they are one stroke. */
const STROKE_PX = 3;
const GAP_PX = 2;
/** More than so many on one lane nobody tells apart, and browsers move them slowly. */
const MOST_SHOWN = 200;

export interface Placed<T> {
  readonly item: Item<T>;
  readonly row: number;
}

/** Rows of all, at a scale: a thing takes its stretch, a moment as much as its title needs. */
export function place<T extends Thing>(items: readonly Item<T>[], msPerPx: number, labelPx: (thing: T) => number): readonly Placed<T>[] {
  const ends: number[] = [];
  return items.toSorted((a, b) => a.thing.start_time_ms - b.thing.start_time_ms).map((item) => {
    const { start_time_ms: start, end_time_ms: end } = item.thing;
    const from = start / msPerPx;
    const to = end == null ? from + labelPx(item.thing) : Math.max(end / msPerPx, from + STROKE_PX);
    let row = ends.findIndex((taken) => taken <= from + 0.5);
    if (row < 0) row = ends.length < MOST_ROWS ? ends.length : ends.indexOf(Math.min(...ends));
    ends[row] = Math.max(ends[row] ?? 0, to + (end == null ? GAP_PX : 0));
    return { item, row };
  });
}

/** Those that a view shows; where many fall on the same pixels, one stands for them, and for the more the more there are. */
export function visible<T extends Thing>(placed: readonly Placed<T>[], view: View, labelPx: number): readonly Placed<T>[] {
  const toMs = view.fromMs + view.widthPx * view.msPerPx;
  const seen = placed.filter(({ item: { thing } }) => {
    const end = thing.end_time_ms ?? thing.start_time_ms + labelPx * view.msPerPx;
    return thing.start_time_ms < toMs && end > view.fromMs;
  });
  let stroke = STROKE_PX;
  let shown = thinned(seen, view, stroke);
  while (shown.length > MOST_SHOWN && stroke < view.widthPx) shown = thinned(seen, view, (stroke *= 2));
  return shown;
}

/** Leaves out what is narrower than a stroke and begins within one of the last that was kept. */
function thinned<T extends Thing>(placed: readonly Placed<T>[], view: View, stroke: number): readonly Placed<T>[] {
  const drawn: number[] = [];
  return placed.filter(({ item: { thing }, row }) => {
    const x = thing.start_time_ms / view.msPerPx;
    const isNarrow = thing.end_time_ms == null || (thing.end_time_ms - thing.start_time_ms) / view.msPerPx < stroke;
    if (isNarrow && x - (drawn[row] ?? -Infinity) < stroke) return false;
    drawn[row] = x;
    return true;
  });
}
