/** Sections to be named: the same letter where the music is the same. */

import { time } from "../../format";
import type { Exercise } from "./exercise";
import { ToLane } from "./lane";

export function Sections({ exercise }: { readonly exercise: Exercise }) {
  const [marks, { labels = [] }] = [exercise.marks.value, exercise.config.value];
  const { player, durationMs } = exercise.model;
  return (
    <>
      <ol class="exercise-sections" aria-label="Sections">
        {marks.map((mark, i) => {
          const from = time(mark.timeMs);
          return (
            <li key={mark.id}>
              <button class="quiet" aria-label={`Play the section from ${from}`} onClick={() => exercise.playStretch({ fromMs: mark.timeMs, toMs: marks[i + 1]?.timeMs ?? durationMs.value })}>
                ▶ {from}
              </button>
              <span class="exercise-letters" role="radiogroup" aria-label={`Section from ${from}`}>
                {labels.map((label) => (
                  <label key={label}>
                    <input type="radio" name={`label-${mark.id}`} checked={mark.label === label} onChange={() => exercise.label(mark.id, label)} />
                    <span>{label}</span>
                  </label>
                ))}
              </span>
              {i > 0 && (
                <button class="quiet" aria-label={`Remove the boundary at ${from}`} onClick={() => exercise.remove(mark.id)}>
                  ×
                </button>
              )}
            </li>
          );
        })}
      </ol>
      <div class="exercise-buttons">
        {exercise.performing.value && <button onClick={() => exercise.stopPlaying()}>Stop</button>}
        <button onClick={() => exercise.mark(player.timeMs.peek())}>New section at the playhead</button>
      </div>
      <ToLane />
      <p>Boundaries can be dragged on the lane “Your answer”.</p>
    </>
  );
}
