/** Tempo over time: the curve of the analysis, and the distance of each two beats where they can be told apart. */

import { useMemo } from "preact/hooks";
import { BEATS_SEEN_MS } from "../beats";
import { useTrack } from "../model";
import type { TrackModel } from "../model";
import type { Summary } from "../summary";
import { spanOf, toX } from "../view";
import type { View } from "../view";
import { ink } from "./ink";
import { grid } from "./curves";
import { Lane } from "./lane";

/** Beats at least so far apart have a dot each. */
const DOT_PX = 5;

export function TempoLane() {
  const { summary } = useTrack();
  const range = rangeOf(summary.value);
  const axis = useMemo(() => marksOf(range.low, range.high).map((bpm) => ({ at: 1 - (bpm - range.low) / (range.high - range.low), text: String(bpm) })), [range.low, range.high]);
  const said = `${range.least.toFixed(1)} to ${range.most.toFixed(1)} beats per minute`;
  return <Lane label="Tempo" kind="tempo" height={56} draw={drawTempo} axis={axis} unit="BPM" said={said} />;
}

interface Range {
  readonly low: number;
  readonly high: number;
  readonly least: number;
  readonly most: number;
}

/** A tenth more on either side, on round numbers. */
function rangeOf(summary: Summary | null): Range {
  const all = [...(summary?.tempo_curve ?? []).map((point) => point.bpm), summary?.tempo_bpm ?? 120];
  const [least, most] = all.reduce(([low, high], bpm) => [Math.min(low, bpm), Math.max(high, bpm)] as const, [Infinity, -Infinity] as const);
  return { low: Math.floor((least * 0.9) / 10) * 10, high: Math.ceil((most * 1.1) / 10) * 10, least, most };
}

/** Two or three round tempi, highest first. */
function marksOf(low: number, high: number): number[] {
  const step = [10, 20, 50, 100].find((one) => (high - low) / one <= 4) ?? 200;
  const marks: number[] = [];
  for (let bpm = Math.floor((high - step / 3) / step) * step; bpm > low + step / 4; bpm -= step) marks.push(bpm);
  return marks;
}

function drawTempo(context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel): void {
  const summary = model.summary.value;
  const { low, high } = rangeOf(summary);
  const y = (bpm: number): number => height * (1 - (bpm - low) / (high - low));
  grid(context, view, marksOf(low, high).map(y));
  dots(context, view, model, y);
  const curve = summary?.tempo_curve ?? [];
  context.strokeStyle = ink("--tempo");
  context.lineWidth = 2;
  context.beginPath();
  curve.forEach((point, at) => {
    const end = curve[at + 1]?.time_ms ?? model.durationMs.value;
    const [from, to] = [Math.max(toX(view, point.time_ms), -2), Math.min(toX(view, end), view.widthPx + 2)];
    if (to < -2 || from > view.widthPx + 2) return;
    // From here on; the step between two tempi is drawn too.
    context.lineTo(from, y(point.bpm));
    context.lineTo(to, y(point.bpm));
  });
  context.stroke();
}

function dots(context: CanvasRenderingContext2D, view: View, model: TrackModel, y: (bpm: number) => number): void {
  void model.beats.revision.value;
  const span = spanOf(view);
  if (span.toMs - span.fromMs > BEATS_SEEN_MS) return;
  const beats = model.beats.within({ fromMs: span.fromMs - 2_000, toMs: span.toMs + 2_000 });
  if (beats.length < 2 || view.widthPx / beats.length < DOT_PX) return;
  context.fillStyle = ink("--beat");
  for (let at = 1; at < beats.length; at += 1) {
    const [before, beat] = [beats[at - 1]!, beats[at]!];
    const x = toX(view, (before.timeMs + beat.timeMs) / 2);
    context.beginPath();
    context.arc(x, y(60_000 / (beat.timeMs - before.timeMs)), 2, 0, 2 * Math.PI);
    context.fill();
  }
}
