/** The lane on which a listener answers, and where the answer is compared with the analysis. Nothing while no exercise is open. */

import { useEffect, useMemo } from "preact/hooks";
import { Lane } from "../lanes/lane";
import { useTrack } from "../model";
import { CurveSurface } from "./curve-surface";
import type { Exercise } from "./exercise";
import { exerciseOf } from "./exercise";
import { drawing } from "./lane-drawing";
import { MarkSurface } from "./mark-surface";
import { verdict } from "./words";

export function ExerciseLane() {
  const exercise = exerciseOf(useTrack());
  const draw = useMemo(() => drawing(exercise), [exercise]);
  const [phase, mode] = [exercise.phase.value, exercise.mode.value];
  // Where the lane is the place to answer on, it is seen when the answering begins.
  const isAnsweredHere = phase === "answering" && (mode === "mark" || mode === "draw");
  useEffect(() => void (isAnsweredHere && showLane("nearest")), [isAnsweredHere]);
  if (phase === "choosing" || phase === "ready" || !isDrawn(exercise)) return null;
  const answering = phase === "answering";
  return (
    <div class="exercise-lane" data-phase={phase}>
      <Lane label="Your answer" height={mode === "draw" ? 120 : 64} draw={draw} said={said(exercise)} />
      {answering && (mode === "mark" || mode === "label") && <MarkSurface exercise={exercise} />}
      {answering && mode === "draw" && <CurveSurface exercise={exercise} />}
    </div>
  );
}

/** Brings the lane into view. */
function showLane(block: ScrollLogicalPosition): void {
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  document.querySelector(".exercise-lane")?.scrollIntoView({ block, behavior });
}

/** On a phone the lane is far above the controls. */
export const ToLane = () => (
  <p>
    <button class="small" onClick={() => showLane("center")}>Show the lane “Your answer”</button>
  </p>
);

const isDrawn = (exercise: Exercise): boolean => ["tap", "mark", "label", "draw"].includes(exercise.mode.value);

function said(exercise: Exercise): string {
  const outcome = exercise.outcome.value;
  if (outcome) return outcome.score === null ? outcome.headline : `${verdict(outcome.score)}. ${outcome.headline}`;
  const count = exercise.marks.value.length;
  return exercise.mode.value === "draw" ? "a curve to be drawn" : `${count} ${count === 1 ? "mark" : "marks"}`;
}
