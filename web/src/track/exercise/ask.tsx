/** One prompt: its question, help, the way to answer it, and what came of the answer. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useTrack } from "../model";
import { Answer } from "./answer";
import type { Exercise } from "./exercise";
import { title, unanswerable } from "./prompts";
import { Result } from "./result";

export function Ask({ exercise }: { readonly exercise: Exercise }) {
  const prompt = exercise.prompt.value!;
  const phase = exercise.phase.value;
  const heading = useRef<HTMLHeadingElement>(null);
  // Whoever chose by keyboard or ear goes on at the question.
  useEffect(() => heading.current?.focus(), []);
  return (
    <>
      <div>
        <h3 ref={heading} tabIndex={-1}>
          {prompt.name}
        </h3>
        <p class="exercise-about">
          {title(prompt.category)} · {prompt.difficulty}
          {prompt.description && ` · ${prompt.description}`}
        </p>
      </div>
      <p class="exercise-question">{prompt.question}</p>
      {phase === "ready" && <Ready exercise={exercise} />}
      {(phase === "answering" || phase === "checking") && <Answer exercise={exercise} />}
      {phase === "checked" && <Result exercise={exercise} />}
      {phase !== "checked" && <Hints hints={prompt.hints} />}
      {prompt.noticed.length > 0 && (
        <details key={phase} open={phase === "checked"}>
          <summary>What may be noticed</summary>
          <ul class="exercise-noticed">
            {prompt.noticed.map((one) => (
              <li key={one}>
                <label class="exercise-check">
                  <input type="checkbox" />
                  {one}
                </label>
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** Which way to answer, and the start. */
function Ready({ exercise }: { readonly exercise: Exercise }) {
  const { analysis } = useTrack();
  const [prompt, preset] = [exercise.prompt.value!, exercise.preset.value!];
  return (
    <>
      {prompt.presets.length > 1 ? (
        <fieldset class="exercise-presets">
          <legend>How</legend>
          {prompt.presets.map((one) => {
            const why = unanswerable(one, analysis.value);
            return (
              <label key={one.id}>
                <input type="radio" name="preset" checked={one.id === preset.id} disabled={why !== undefined} onChange={() => (exercise.preset.value = one)} />
                <span>
                  <strong>{one.name}</strong> <small>{why ?? one.description}</small>
                </span>
              </label>
            );
          })}
        </fieldset>
      ) : (
        <p>
          <strong>{preset.name}.</strong> {preset.description}.
        </p>
      )}
      <div class="exercise-buttons">
        <button class="primary" onClick={() => void exercise.start()}>
          Start
        </button>
      </div>
    </>
  );
}

/** Help, one hint after the other. */
function Hints({ hints }: { readonly hints: readonly string[] }) {
  const shown = useSignal(0);
  if (hints.length === 0) return null;
  return (
    <div class="exercise-hints">
      <ol aria-live="polite" aria-label="Hints">
        {hints.slice(0, shown.value).map((hint) => (
          <li key={hint}>{hint}</li>
        ))}
      </ol>
      {shown.value < hints.length && (
        <button class="quiet" onClick={() => (shown.value += 1)}>
          {shown.value === 0 ? "Give me a hint" : "Another hint"} ({shown.value} of {hints.length})
        </button>
      )}
    </div>
  );
}
