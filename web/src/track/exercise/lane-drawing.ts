/** Draws answers, and what came of them. Right, missed and superfluous differ in shape, not in colour alone. */

import { colour } from "../../theme";
import type { LaneProps } from "../lanes/lane";
import { spanOf, toX } from "../view";
import type { Span, View } from "../view";
import type { CurvePoint } from "./compare/curve";
import type { Exercise } from "./exercise";
import type { Outcome } from "./outcome";

type Pen = CanvasRenderingContext2D;

export function drawing(exercise: Exercise): LaneProps["draw"] {
  return (pen, view, height) => {
    const [span, outcome] = [exercise.span.value, exercise.outcome.value];
    if (span) drawGround(pen, view, height, span, exercise.mutedFromMs);
    if (outcome) drawOutcome(pen, view, height, outcome);
    if (exercise.mode.value === "draw") drawCurve(pen, view, height, exercise.curve.value, colour("--accent"), []);
    if (exercise.mode.value === "label") drawLetters(pen, view, 0, height / 2, lettered(exercise), colour("--accent"));
    // While marks can be moved they are buttons, see mark-surface.tsx; taps are shown as they come.
    if (!outcome && exercise.mode.value === "tap") for (const { timeMs } of within(exercise.marks.value, view)) drawTick(pen, toX(view, timeMs), 0, height * 0.6, colour("--accent"));
  };
}

/** What is not played is dimmed, and what is played in silence hatched. */
function drawGround(pen: Pen, view: View, height: number, span: Span, mutedFromMs: number | null): void {
  const [from, to] = [toX(view, span.fromMs), toX(view, span.toMs)];
  pen.fillStyle = colour("--sunken");
  pen.fillRect(0, 0, Math.max(from, 0), height);
  pen.fillRect(to, 0, Math.max(view.widthPx - to, 0), height);
  if (mutedFromMs === null) return;
  pen.save();
  pen.beginPath();
  pen.rect(toX(view, mutedFromMs), 0, to - toX(view, mutedFromMs), height);
  pen.clip();
  pen.strokeStyle = colour("--line");
  pen.beginPath();
  for (let x = Math.max(toX(view, mutedFromMs), 0) - height; x < Math.min(to, view.widthPx); x += 12) (pen.moveTo(x, height), pen.lineTo(x + height, 0));
  pen.stroke();
  pen.restore();
}

/** Of things in order of time those that are seen. */
const within = <T extends { readonly timeMs: number }>(things: readonly T[], view: View): readonly T[] => {
  const { fromMs, toMs } = spanOf(view);
  const edge = 10 * view.msPerPx;
  return things.filter(({ timeMs }) => timeMs >= fromMs - edge && timeMs <= toMs + edge);
};

function drawOutcome(pen: Pen, view: View, height: number, { marks, events, curve, sections }: Outcome): void {
  drawCurve(pen, view, height, curve, colour("--ok"), [5, 4]);
  drawLetters(pen, view, height / 2, height / 2, sections, colour("--ok"));
  const [upper, lower] = [height * 0.3, height * 0.74];
  for (const { timeMs, found, asked } of within(events, view)) {
    const x = toX(view, timeMs);
    drawTick(pen, x, height * 0.5, height, colour(found ? "--ok" : asked ? "--danger" : "--line"));
    if (!found && asked) drawCross(pen, x, lower, colour("--danger"));
  }
  for (const { timeMs, right } of within(marks, view)) {
    const x = toX(view, timeMs);
    drawTick(pen, x, 0, height * 0.5, colour(right ? "--ok" : "--text-2"));
    drawDot(pen, x, upper, right);
  }
}

function drawTick(pen: Pen, x: number, from: number, to: number, stroke: string): void {
  pen.strokeStyle = stroke;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.moveTo(x, from);
  pen.lineTo(x, to);
  pen.stroke();
}

/** Right is full, superfluous hollow. */
function drawDot(pen: Pen, x: number, y: number, full: boolean): void {
  pen.beginPath();
  pen.arc(x, y, 4.5, 0, 2 * Math.PI);
  pen.fillStyle = full ? colour("--ok") : colour("--raised");
  pen.fill();
  pen.strokeStyle = full ? colour("--ok") : colour("--text-2");
  pen.lineWidth = 2;
  pen.stroke();
}

function drawCross(pen: Pen, x: number, y: number, stroke: string): void {
  pen.strokeStyle = stroke;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(x - 4, y - 4);
  pen.lineTo(x + 4, y + 4);
  pen.moveTo(x + 4, y - 4);
  pen.lineTo(x - 4, y + 4);
  pen.stroke();
}

function drawCurve(pen: Pen, view: View, height: number, points: readonly CurvePoint[], stroke: string, dash: readonly number[]): void {
  const room = 6;
  pen.save();
  pen.strokeStyle = stroke;
  pen.lineWidth = 2;
  pen.setLineDash([...dash]);
  pen.beginPath();
  let pending = true;
  for (const { timeMs, value } of points) {
    // A gap in what was measured is a gap in the line.
    if (Number.isNaN(value)) {
      pending = true;
      continue;
    }
    const [x, y] = [toX(view, timeMs), height - room - value * (height - 2 * room)];
    if (pending) pen.moveTo(x, y);
    else pen.lineTo(x, y);
    pending = false;
  }
  pen.stroke();
  pen.restore();
}

interface Lettered extends Span {
  readonly label: string;
}

const lettered = (exercise: Exercise): Lettered[] => {
  const marks = exercise.marks.value;
  return marks.map((mark, i) => ({ fromMs: mark.timeMs, toMs: marks[i + 1]?.timeMs ?? exercise.model.durationMs.value, label: mark.label || "?" }));
};

function drawLetters(pen: Pen, view: View, top: number, height: number, sections: readonly Lettered[], ink: string): void {
  pen.font = "600 13px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (const { fromMs, toMs, label } of sections) {
    const [from, to] = [Math.max(toX(view, fromMs), 0), Math.min(toX(view, toMs), view.widthPx)];
    if (to - from < 2) continue;
    pen.strokeStyle = colour("--line");
    pen.strokeRect(from + 0.5, top + 0.5, to - from - 1, height - 1);
    pen.fillStyle = ink;
    if (to - from > 16) pen.fillText(label, from + 8, top + height / 2, to - from - 10);
  }
}
