/** A curve to be drawn by pointer, or by keys that draw on from a cursor. Lies exactly over the lane's canvas. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { time } from "../../format";
import { useTrack } from "../model";
import { toMs, toX } from "../view";
import { drawTo, valueAt } from "./compare/curve";
import type { CurvePoint } from "./compare/curve";
import type { Exercise } from "./exercise";

/** Room at the top and bottom of the lane, as it is drawn. */
const ROOM_PX = 6;
/** One press of an arrow: part of the height, and part of what is seen. */
const [RISE, ADVANCE] = [0.1, 1 / 40];
/** Most points: a pointer gives one a pixel at most. */
const MOST = 4_000;

const inRange = (value: number): number => Math.min(Math.max(value, 0), 1);

export function CurveSurface({ exercise }: { readonly exercise: Exercise }) {
  const { view, durationMs } = useTrack();
  const surface = useRef<HTMLDivElement>(null);
  const last = useRef<CurvePoint | null>(null);
  const cursor = useSignal<CurvePoint>({ timeMs: exercise.span.value?.fromMs ?? 0, value: 0.5 });
  const to = (point: CurvePoint, from: CurvePoint | null): void => {
    if (exercise.curve.peek().length < MOST) exercise.curve.value = drawTo(exercise.curve.peek(), from, point);
    cursor.value = point;
  };
  const pointAt = (event: PointerEvent): CurvePoint => {
    const box = surface.current!.getBoundingClientRect();
    const timeMs = Math.min(Math.max(toMs(view.peek(), event.clientX - box.left), 0), durationMs.peek());
    return { timeMs, value: inRange(1 - (event.clientY - box.top - ROOM_PX) / (box.height - 2 * ROOM_PX)) };
  };
  const down = (event: PointerEvent): void => {
    event.stopPropagation();
    if (event.button !== 0) return;
    surface.current!.setPointerCapture(event.pointerId);
    last.current = pointAt(event);
    to(last.current, null);
  };
  const move = (event: PointerEvent): void => {
    if (!last.current) return;
    const point = pointAt(event);
    to(point, last.current);
    last.current = point;
  };
  const key = (event: KeyboardEvent): void => {
    const [at, step] = [cursor.peek(), view.peek().widthPx * view.peek().msPerPx * ADVANCE];
    const next: Readonly<Record<string, CurvePoint>> = {
      ArrowUp: { ...at, value: inRange(at.value + RISE) },
      ArrowDown: { ...at, value: inRange(at.value - RISE) },
      ArrowRight: { ...at, timeMs: Math.min(at.timeMs + step, durationMs.peek()) },
      ArrowLeft: { ...at, timeMs: Math.max(at.timeMs - step, 0) },
    };
    const point = next[event.key];
    if (!point) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "ArrowLeft") cursor.value = { ...point, value: valueAt(exercise.curve.peek(), point.timeMs) ?? point.value };
    else to(point, event.key === "ArrowRight" ? at : null);
  };
  const { timeMs, value } = cursor.value;
  const percent = Math.round(value * 100);
  return (
    <div
      class="exercise-surface drawn"
      ref={surface}
      role="slider"
      tabIndex={0}
      aria-label="Height of the curve"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={`${percent} % at ${time(timeMs, 1)}`}
      aria-orientation="vertical"
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={() => (last.current = null)}
      onPointerCancel={() => (last.current = null)}
      onKeyDown={key}
    >
      <span class="exercise-cursor" style={{ transform: `translate(${toX(view.value, timeMs)}px, ${ROOM_PX + (1 - value) * (120 - 2 * ROOM_PX)}px)` }} />
    </div>
  );
}
