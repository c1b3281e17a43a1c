/** The controls with which an exercise is answered: one kind for each way of answering. */

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { time } from "../../format";
import { useShortcuts } from "../../keys";
import type { Shortcut } from "../../keys";
import { letter, SAME } from "./check";
import type { Exercise } from "./exercise";
import { ToLane } from "./lane";
import { Notes } from "./notes";
import type { Mode } from "./prompts";
import { Sections } from "./sections";

interface Given {
  readonly exercise: Exercise;
}

const CONTROLS: Readonly<Record<Mode, (given: Given) => preact.JSX.Element | null>> = {
  tap: Tap,
  mark: Marking,
  choice: Choice,
  compare: Compare,
  estimate: Estimate,
  label: Sections,
  annotate: Notes,
  draw: Drawing,
  loop: () => <p>Listen as often as you like. The picture comes when you are done.</p>,
  listen: () => <p>Listen as often as you like.</p>,
};

export function Answer({ exercise }: Given) {
  const mode = exercise.mode.value;
  const Controls = CONTROLS[mode];
  const busy = exercise.phase.value === "checking";
  return (
    <div class="exercise-answer">
      <Heard exercise={exercise} />
      <Controls exercise={exercise} />
      <div class="exercise-buttons">
        <button class="primary" disabled={busy || !isAnswered(exercise)} onClick={() => void exercise.check()}>
          {mode === "loop" || mode === "listen" || mode === "annotate" ? "I am done" : "Check"}
        </button>
        {mode !== "compare" && mode !== "label" && <Again exercise={exercise} />}
        {mode === "tap" && (
          <button class="quiet" onClick={() => void exercise.start()}>
            Start over
          </button>
        )}
      </div>
    </div>
  );
}

/** Whether there is enough to be compared. Nothing marked is an answer, too: `there is no such place`. */
function isAnswered(exercise: Exercise): boolean {
  const mode = exercise.mode.value;
  if (mode === "tap") return exercise.marks.value.length > 0;
  if (mode === "choice" || mode === "compare") return exercise.answer.value !== "";
  if (mode === "estimate") return exercise.answer.value.trim() !== "" && Number.isFinite(Number(exercise.answer.value.replace(",", ".")));
  if (mode === "label") return exercise.marks.value.length > 0 && exercise.marks.value.every((mark) => mark.label !== "");
  if (mode === "draw") return exercise.curve.value.length > 2;
  return true;
}

function Again({ exercise }: Given) {
  if (exercise.performing.value) return <button onClick={() => exercise.stopPlaying()}>Stop</button>;
  return <button onClick={() => (exercise.mode.peek() === "tap" ? void exercise.start() : exercise.play())}>Play again</button>;
}

/** Where in what is played one is. */
function Heard({ exercise }: Given) {
  const span = exercise.span.value;
  const { player } = exercise.model;
  // Ten times a second is enough to look at.
  const at = useComputed(() => Math.floor(player.timeMs.value / 100) * 100);
  if (!span || !exercise.performing.value) return null;
  const [done, length] = [Math.min(Math.max(at.value - span.fromMs, 0), span.toMs - span.fromMs), span.toMs - span.fromMs];
  const silent = exercise.mutedFromMs !== null && at.value >= exercise.mutedFromMs;
  return (
    <div class="exercise-heard">
      <progress max={length} value={done} aria-label="Heard so far" />
      <span>
        {silent ? "Silence: go on. " : ""}
        {time(done)} of {time(length)}
      </span>
    </div>
  );
}

/** A large area to strike: by pointer the moment it goes down, by key the moment that does. */
function Strike({ exercise, what }: Given & { readonly what: string }) {
  const button = useRef<HTMLButtonElement>(null);
  // The button that was pressed to start is gone; from here on Space strikes.
  useEffect(() => button.current?.focus({ preventScroll: true }), []);
  const strike = (event: Event): void => exercise.mark(exercise.model.player.tapTimeMs(event));
  const shortcuts = useMemo((): readonly Shortcut[] => ["j", "k"].map((keys) => ({ keys, what: `${what} in the exercise`, group: "Listening prompts", repeats: false, run: strike })), [exercise, what]);
  useShortcuts(shortcuts);
  const keyed = (event: KeyboardEvent): void => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) strike(event);
  };
  // Clicks that no pointer made come from assistive technology.
  const clicked = (event: MouseEvent): void => {
    if (event.detail === 0) strike(event);
  };
  return (
    <button ref={button} class="exercise-strike" onPointerDown={(event) => event.button === 0 && strike(event)} onKeyDown={keyed} onClick={clicked} onContextMenu={(event) => event.preventDefault()}>
      <strong>{what}</strong>
      <span class="by-keys">
        or press <kbd>J</kbd>
      </span>
    </button>
  );
}

function Tap({ exercise }: Given) {
  const count = exercise.marks.value.length;
  return (
    <>
      <Strike exercise={exercise} what="Tap" />
      <p>{count === 0 ? "Tap along as soon as you feel it." : `${count} ${count === 1 ? "tap" : "taps"}`}</p>
    </>
  );
}

function Marking({ exercise }: Given) {
  const marks = exercise.marks.value;
  const { answers } = exercise.config.value;
  return (
    <>
      <Strike exercise={exercise} what="Mark here" />
      <p>
        {answers ? `${marks.length} of ${answers} marked. ` : `${marks.length} marked. `}
        {answers && marks.length >= answers ? "For another, remove one first. " : "Click on the lane “Your answer” to add one. "}
        Drag one to move it; by keyboard arrows move and Delete removes it.
      </p>
      <ToLane />
      {marks.length > 0 && (
        <ul class="exercise-marks" aria-label="Marks">
          {marks.slice(-24).map((mark) => (
            <li key={mark.id}>
              {time(mark.timeMs, 1)}
              <button class="quiet" aria-label={`Remove the mark at ${time(mark.timeMs, 1)}`} onClick={() => exercise.remove(mark.id)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Options({ exercise, legend, options }: Given & { readonly legend: string; readonly options: readonly string[] }) {
  return (
    <fieldset class="exercise-options">
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option}>
          <input type="radio" name="answer" value={option} checked={exercise.answer.value === option} onChange={() => (exercise.answer.value = option)} />
          <span>{option}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Choice({ exercise }: Given) {
  return <Options exercise={exercise} legend="Your answer" options={exercise.config.value.options ?? []} />;
}

/** Which excerpt is asked for, of two and of more, by the field they are compared in. */
const MOST: Readonly<Record<string, readonly [string, string]>> = { tempo_curve: ["faster", "fastest"], centroid: ["brighter", "brightest"], loudness: ["louder", "loudest"] };

function Compare({ exercise }: Given) {
  const [config, excerpts] = [exercise.config.value, exercise.excerpts.value];
  const playing = useSignal<number | null>(null);
  const most = MOST[config.frame_field ?? config.summary_field ?? ""]?.[excerpts.length > 2 ? 1 : 0];
  return (
    <>
      <div class="exercise-excerpts" role="group" aria-label="Excerpts">
        {excerpts.map((span, i) => {
          const on = exercise.performing.value && playing.value === i;
          const press = (): void => (on ? exercise.stopPlaying() : (exercise.playExcerpt(i), void (playing.value = i)));
          return (
            <button key={i} aria-pressed={on} onClick={press}>
              {on ? "Stop" : "Play"} {letter(i)} <small>{time(span.fromMs)}</small>
            </button>
          );
        })}
      </div>
      <Options exercise={exercise} legend={most ? `Which is ${most}?` : "Which has most of it?"} options={[...excerpts.map((_, i) => letter(i)), SAME]} />
    </>
  );
}

function Estimate({ exercise }: Given) {
  const { unit, tolerance } = exercise.config.value;
  return (
    <label class="exercise-estimate">
      Your guess{unit && ` in ${unit}`}
      <input inputMode="decimal" autocomplete="off" value={exercise.answer.value} onInput={(event) => (exercise.answer.value = event.currentTarget.value)} onKeyDown={(event) => event.key === "Enter" && isAnswered(exercise) && void exercise.check()} />
      <small>
        ±{tolerance} {unit} counts as right
      </small>
    </label>
  );
}

function Drawing({ exercise }: Given) {
  return (
    <>
      <p>Draw on the lane “Your answer”: left to right, high is much. By keyboard go to the lane; ↑ and ↓ change the height, ← and → draw on.</p>
      <ToLane />
      {exercise.curve.value.length > 0 && (
        <button class="quiet" onClick={() => (exercise.curve.value = [])}>
          Clear
        </button>
      )}
    </>
  );
}
