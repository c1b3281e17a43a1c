/** Beats and bars: as many of them as can be told apart. */

import { BARS_SEEN_MS, BEATS_SEEN_MS } from "../beats";
import type { Beat } from "../beats";
import { useTrack } from "../model";
import type { TrackModel } from "../model";
import { spanOf, toX } from "../view";
import type { View } from "../view";
import { ink } from "./ink";
import { Lane } from "./lane";

export const BEATS_PX = 40;

/** Beats closer together than this are not drawn one by one. */
const LEAST_PX = 4;
/** Room for the number of a bar. */
const NUMBER_PX = 34;

export function BeatsLane() {
  const { summary, concealed } = useTrack();
  const { beat_count = 0, bar_count = 0 } = summary.value ?? {};
  const said = concealed.value.has("downbeats") ? `${beat_count} beats` : `${beat_count} beats in ${bar_count} bars`;
  return <Lane label="Beats" kind="beats" height={BEATS_PX} draw={drawBeats} said={said} />;
}

function drawBeats(context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel): void {
  void model.beats.revision.value;
  const span = spanOf(view);
  const length = span.toMs - span.fromMs;
  const beats = length <= BEATS_SEEN_MS ? model.beats.within(span) : [];
  const isClose = beats.length > 1 && view.widthPx / beats.length < LEAST_PX;
  const bars = beats.length > 0 && !isClose ? beats.filter((beat) => beat.position === 1) : model.beats.downbeats(span);
  if (bars.length === 0 && (isClose || beats.length === 0)) return hint(context, view, height, (isClose || length > BARS_SEEN_MS) && model.source.value?.complete === true);
  if (!isClose) {
    for (const beat of beats) if (beat.position !== 1) line(context, view, beat, height, 0.55);
  }
  const every = spacing(bars, view);
  context.font = "600 12px system-ui, sans-serif";
  context.textBaseline = "top";
  for (const bar of bars) {
    const isNumbered = bar.bar !== null && (bar.bar - 1) % every === 0;
    if (every > 8 && !isNumbered) continue;
    line(context, view, bar, height, isNumbered ? 1 : 0.7);
    // What would be cut off is left out.
    if (isNumbered && toX(view, bar.timeMs) + NUMBER_PX < view.widthPx + 6) {
      context.fillStyle = ink("--text");
      context.fillText(String(bar.bar), toX(view, bar.timeMs) + 4, 3);
    }
  }
}

/** A line from the foot on. */
function line(context: CanvasRenderingContext2D, view: View, beat: Beat, height: number, part: number): void {
  const isBar = beat.position === 1;
  context.fillStyle = beat.origin === "machine" ? ink(isBar ? "--downbeat" : "--beat") : ink("--corrected");
  context.fillRect(Math.round(toX(view, beat.timeMs)) - (isBar ? 1 : 0), height * (1 - part), isBar ? 2 : 1, height * part);
}

/** Bars are numbered every 1, 2, 4, 8 …, as there is room. */
function spacing(bars: readonly Beat[], view: View): number {
  const [first, last] = [bars[0], bars.at(-1)];
  if (!first || !last || first === last) return 1;
  const px = (last.timeMs - first.timeMs) / (bars.length - 1) / view.msPerPx;
  return 2 ** Math.max(0, Math.ceil(Math.log2(NUMBER_PX / px)));
}

/** Says that there is something where nothing can be drawn. */
export function hint(context: CanvasRenderingContext2D, view: View, height: number, isFar: boolean, what = "beats"): void {
  if (!isFar) return;
  context.font = "13px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "center";
  context.fillStyle = ink("--text-2");
  context.fillText(`Zoom in to see the ${what}`, view.widthPx / 2, height / 2);
  context.textAlign = "start";
}
