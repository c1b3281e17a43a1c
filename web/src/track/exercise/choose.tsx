/** The prompts to choose from, by what they train, how hard they are, and what this track can answer. */

import { useSignal } from "@preact/signals";
import type { Exercise } from "./exercise";
import { forget } from "./past";
import { title, unanswerable } from "./prompts";
import type { Prompt } from "./prompts";
import { useTrack } from "../model";

const LEVELS = ["beginner", "intermediate", "advanced"];

interface Offer {
  readonly prompt: Prompt;
  /** Why it cannot be answered here; undefined where it can. */
  readonly why: string | undefined;
}

export function Choose({ exercise }: { readonly exercise: Exercise }) {
  const { analysis, trackId } = useTrack();
  const [category, difficulty, unanswered] = [useSignal(""), useSignal(""), useSignal(false)];
  const prompts = exercise.prompts.value;
  if (!prompts) return <p>One moment…</p>;
  if (prompts.length === 0) return <p>There are no listening prompts on this server.</p>;
  const offers = prompts
    .filter((prompt) => (!category.value || prompt.category === category.value) && (!difficulty.value || prompt.difficulty === difficulty.value))
    .map((prompt): Offer => ({ prompt, why: whyNot(prompt, analysis.value) }));
  const shown = offers.filter((offer) => unanswered.value || !offer.why);
  const hidden = offers.filter((offer) => offer.why).length;
  const past = exercise.past.value;
  return (
    <>
      <p class="exercise-lead">A question sends you back to the music. Answer by ear, then compare with the analysis.</p>
      <div class="exercise-filters">
        <Filter label="Category" value={category} options={[...new Set(prompts.map((prompt) => prompt.category))]} />
        <Filter label="Difficulty" value={difficulty} options={LEVELS} />
      </div>
      <ul class="exercise-list" aria-label="Prompts" role="list">
        {shown.map(({ prompt, why }) => (
          <li key={prompt.id}>
            <button class="exercise-offer" disabled={why !== undefined} onClick={() => exercise.choose(prompt, firstFor(prompt, analysis.value))}>
              <span class="exercise-name">{prompt.name}</span>
              <Best score={best(prompt, past)} />
              <span class="exercise-about">
                {title(prompt.category)} · {prompt.difficulty}
                {why && ` · ${why}`}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p>Nothing of this kind can be answered here.</p>}
      {hidden > 0 && (
        <label class="exercise-check">
          <input type="checkbox" checked={unanswered.value} onChange={(event) => (unanswered.value = event.currentTarget.checked)} />
          Also show {hidden} that this analysis cannot answer
        </label>
      )}
      {past.length > 0 && (
        <details class="exercise-past">
          <summary>Your last results</summary>
          <ul>
            {past.map((one) => (
              <li key={one.at}>
                <strong>{one.name}</strong>: {one.headline} <time dateTime={new Date(one.at).toISOString()}>{new Date(one.at).toLocaleDateString()}</time>
              </li>
            ))}
          </ul>
          <button class="quiet" onClick={() => (forget(trackId), (exercise.past.value = []))}>
            Forget them
          </button>
        </details>
      )}
    </>
  );
}

function Filter({ label, value, options }: { readonly label: string; readonly value: { value: string }; readonly options: readonly string[] }) {
  return (
    <label>
      {label}
      <select value={value.value} onChange={(event) => (value.value = event.currentTarget.value)}>
        <option value="">All</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {title(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Best({ score }: { readonly score: number | null }) {
  if (score === null) return null;
  return (
    <span class="exercise-best">
      <span class="hidden">best so far </span>
      {Math.round(score * 100)} %
    </span>
  );
}

type Analyses = Parameters<typeof unanswerable>[1];

const whyNot = (prompt: Prompt, analysis: Analyses): string | undefined =>
  prompt.presets.some((preset) => !unanswerable(preset, analysis)) ? undefined : unanswerable(prompt.presets[0]!, analysis);

const firstFor = (prompt: Prompt, analysis: Analyses) => prompt.presets.find((preset) => !unanswerable(preset, analysis));

function best(prompt: Prompt, past: Exercise["past"]["value"]): number | null {
  const scores = past.flatMap((one) => (prompt.presets.some((preset) => preset.id === one.presetId) && one.score !== null ? [one.score] : []));
  return scores.length ? Math.max(...scores) : null;
}
