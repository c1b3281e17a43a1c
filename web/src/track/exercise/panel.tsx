/** Beside the timeline: listening prompts as guided exercises. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Explained } from "../../api";
import { explain } from "../../api";
import { onRenewal } from "../../connection";
import { noticeEnd } from "../../session";
import { useTrack } from "../model";
import { Ask } from "./ask";
import { Choose } from "./choose";
import { exerciseOf } from "./exercise";
import "./exercise.css";

export function ExercisePanel() {
  const model = useTrack();
  const exercise = exerciseOf(model);
  const failure = useSignal<Explained | null>(null);
  const load = (): void => {
    failure.value = null;
    exercise.load().catch((error: unknown) => {
      if (!model.signal.aborted && !noticeEnd(error)) failure.value = explain(error);
    });
  };
  useEffect(() => (load(), onRenewal(() => exercise.prompts.peek() ?? load())), [exercise]);
  const choosing = exercise.phase.value === "choosing";
  return (
    <section class="panel exercise" aria-labelledby="exercise-title">
      <header class="exercise-head">
        <h2 id="exercise-title">Listening prompts</h2>
        {!choosing && (
          <button class="quiet" onClick={() => exercise.leave()}>
            All prompts
          </button>
        )}
      </header>
      {failure.value ? (
        <p role="alert">
          {failure.value.title}. <button onClick={load}>Try again</button>
        </p>
      ) : choosing ? (
        <Choose exercise={exercise} />
      ) : (
        <Ask key={exercise.prompt.value!.id} exercise={exercise} />
      )}
    </section>
  );
}
