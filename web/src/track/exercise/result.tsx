/** What came of an answer, and what can be done next. */

import { useEffect, useRef } from "preact/hooks";
import { useTrack } from "../model";
import type { Exercise } from "./exercise";
import { unanswerable } from "./prompts";
import type { Prompt } from "./prompts";
import { verdict } from "./words";

export function Result({ exercise }: { readonly exercise: Exercise }) {
  const { analysis } = useTrack();
  const outcome = exercise.outcome.value!;
  const box = useRef<HTMLDivElement>(null);
  // The button that was pressed is gone: the focus goes on to what came of it, which is read out.
  useEffect(() => box.current?.focus(), []);
  const next = following(exercise.prompts.value ?? [], exercise.prompt.value!, analysis.value);
  const audible = outcome.marks.length + outcome.events.length > 0;
  return (
    <>
      <div class="exercise-result" ref={box} tabIndex={-1} role="group" aria-label="Result">
        {outcome.score !== null && (
          <p class="exercise-verdict">
            <span>{verdict(outcome.score)}</span>
            <meter min={0} max={1} value={outcome.score} aria-label="Score">
              {Math.round(outcome.score * 100)} %
            </meter>
          </p>
        )}
        <p class="exercise-headline">{outcome.headline}</p>
        {outcome.lines.length > 0 && (
          <ul>
            {outcome.lines.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
      </div>
      <p class="hidden" role="status">
        {[outcome.headline, ...outcome.lines].join(" ")}
      </p>
      {audible && <Legend />}
      <div class="exercise-buttons">
        <button class="primary" onClick={() => void exercise.start()}>
          Try again
        </button>
        {exercise.performing.value ? (
          <button onClick={() => exercise.stopPlaying()}>Stop</button>
        ) : (
          audible && (
            <button onClick={() => exercise.hear()} title="High clicks are the analysis, low ones are yours">
              Hear it
            </button>
          )
        )}
        {next && <button onClick={() => exercise.choose(next, next.presets.find((preset) => !unanswerable(preset, analysis.value)))}>Next: {next.name}</button>}
      </div>
    </>
  );
}

/** What the shapes on the lane mean; the same shapes as in lane-drawing.ts. */
function Legend() {
  return (
    <ul class="exercise-legend" aria-label="On the lane above">
      <li>
        <svg viewBox="-6 -6 12 12" class="hit" aria-hidden="true">
          <circle r="4.5" />
        </svg>
        right
      </li>
      <li>
        <svg viewBox="-6 -6 12 12" class="extra" aria-hidden="true">
          <circle r="4" />
        </svg>
        yours alone
      </li>
      <li>
        <svg viewBox="-6 -6 12 12" class="miss" aria-hidden="true">
          <path d="M-4-4 4 4M4-4-4 4" />
        </svg>
        missed
      </li>
    </ul>
  );
}

/** The next one that this analysis can answer, from the first again after the last. */
function following(prompts: readonly Prompt[], prompt: Prompt, analysis: Parameters<typeof unanswerable>[1]): Prompt | undefined {
  const at = prompts.findIndex((one) => one.id === prompt.id);
  const after = [...prompts.slice(at + 1), ...prompts.slice(0, Math.max(at, 0))];
  return after.find((one) => one.presets.some((preset) => !unanswerable(preset, analysis)));
}
