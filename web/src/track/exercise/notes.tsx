/** Annotations that are written while listening; they are kept with the track. */

import { useComputed, useSignal } from "@preact/signals";
import { time } from "../../format";
import { editingOf } from "../edit/editing";
import type { Exercise } from "./exercise";
import { title as titled } from "./prompts";

export function Notes({ exercise }: { readonly exercise: Exercise }) {
  const { model } = exercise;
  const { player } = model;
  const [title, content] = [useSignal(""), useSignal("")];
  /** Where the note belongs: where one was when one began to write. */
  const begun = useSignal<number | null>(null);
  const second = useComputed(() => Math.floor(player.timeMs.value / 1000) * 1000);
  const at = begun.value ?? second.value;
  const begin = (text: string, into: { value: string }): void => {
    if (begun.peek() === null && text) begun.value = player.timeMs.peek();
    into.value = text;
  };
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    const [name, text] = [title.peek().trim(), content.peek().trim()];
    if (!name) return;
    const start_time_ms = Math.round(begun.peek() ?? player.timeMs.peek());
    const note = { start_time_ms, title: name, category: exercise.config.peek().category ?? "journal", ...(text && { content: text }) };
    const act = editingOf(model).annotations.adding(note, `Annotation “${name}” added`);
    const done = model.history.act(act);
    exercise.note(act.key);
    [title.value, content.value, begun.value] = ["", "", null];
    // Refused, what was written comes back into the form, unless something else is there by now.
    if (!(await done) && !title.peek() && !content.peek()) [title.value, content.value, begun.value] = [name, text, start_time_ms];
  };
  return (
    <>
      <form class="exercise-note" onSubmit={(event) => void save(event)}>
        <label>
          {titled(exercise.config.value.category ?? "note")}, in a line
          <input value={title.value} maxLength={200} required autocomplete="off" onInput={(event) => begin(event.currentTarget.value, title)} />
        </label>
        <label>
          More, if you like
          <textarea rows={2} maxLength={4000} value={content.value} onInput={(event) => begin(event.currentTarget.value, content)} />
        </label>
        <button disabled={!title.value.trim()}>Save at {time(at)}</button>
      </form>
      {exercise.notes.value.length > 0 && (
        <ul aria-label="Notes" aria-live="polite">
          {exercise.notes.value.map((note) => (
            <li key={note.key}>
              {time(note.timeMs)} {note.title}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
