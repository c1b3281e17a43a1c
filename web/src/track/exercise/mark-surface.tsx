/** Marks to be set, dragged and removed, by pointer and by keyboard. Lies exactly over the lane's canvas. */

import { useRef } from "preact/hooks";
import { time } from "../../format";
import { useTrack } from "../model";
import { spanOf, toMs, toX } from "../view";
import type { Exercise, Mark } from "./exercise";

/** Most marks that are there as buttons; with more in view they are too close to be grasped. */
const MOST = 200;
/** How far an arrow key moves a mark, in ms; with Shift. */
const [STEP_MS, LEAP_MS] = [10, 100];

export function MarkSurface({ exercise }: { readonly exercise: Exercise }) {
  const { view } = useTrack();
  const surface = useRef<HTMLDivElement>(null);
  const shown = view.value;
  const { fromMs, toMs: untilMs } = spanOf(shown);
  const marks = exercise.marks.value.filter((mark) => mark.timeMs >= fromMs && mark.timeMs <= untilMs).slice(0, MOST);
  const msAt = (event: PointerEvent): number => toMs(view.peek(), event.clientX - surface.current!.getBoundingClientRect().left);
  const add = (event: PointerEvent): void => {
    event.stopPropagation();
    if (event.button === 0 && event.target === surface.current) exercise.mark(msAt(event));
  };
  const remove = (mark: Mark): void => {
    const at = exercise.marks.peek().findIndex((one) => one.id === mark.id);
    exercise.remove(mark.id);
    const next = exercise.marks.peek()[Math.min(at, exercise.marks.peek().length - 1)];
    // Keys go on where they were: at the next mark, or at the button that makes one.
    queueMicrotask(() => (next ? surface.current?.querySelector<HTMLElement>(`[data-mark="${next.id}"]`) : document.querySelector<HTMLElement>(".exercise-strike"))?.focus());
  };
  return (
    // What a click does here the button “Mark here” does as well.
    <div class="exercise-surface" ref={surface} onPointerDown={add} role="group" aria-label="Marks on the lane">
      {marks.map((mark) => (
        <Handle key={mark.id} exercise={exercise} mark={mark} x={toX(shown, mark.timeMs)} msAt={msAt} remove={() => remove(mark)} />
      ))}
    </div>
  );
}

interface HandleProps {
  readonly exercise: Exercise;
  readonly mark: Mark;
  readonly x: number;
  readonly msAt: (event: PointerEvent) => number;
  readonly remove: () => void;
}

function Handle({ exercise, mark, x, msAt, remove }: HandleProps) {
  /** How far from the mark it was grasped; null while it is not. */
  const grasped = useRef<number | null>(null);
  const moved = useRef(false);
  const down = (event: PointerEvent): void => {
    event.stopPropagation();
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    [grasped.current, moved.current] = [msAt(event) - mark.timeMs, false];
  };
  const move = (event: PointerEvent): void => {
    if (grasped.current === null) return;
    moved.current = true;
    exercise.move(mark.id, msAt(event) - grasped.current);
  };
  const up = (): void => {
    if (grasped.current !== null && moved.current) void exercise.snap(mark.id);
    grasped.current = null;
  };
  const key = (event: KeyboardEvent): void => {
    const step = event.shiftKey ? LEAP_MS : STEP_MS;
    const does: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => exercise.move(mark.id, mark.timeMs - step),
      ArrowRight: () => exercise.move(mark.id, mark.timeMs + step),
      Delete: remove,
      Backspace: remove,
    };
    const run = does[event.key];
    if (!run) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  };
  return (
    <button
      class="exercise-mark"
      data-mark={mark.id}
      style={{ transform: `translateX(${x}px)` }}
      aria-label={`Mark at ${time(mark.timeMs, 2)}${mark.label && `, ${mark.label}`}: arrows move it, Delete removes it`}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onKeyDown={key}
    />
  );
}
