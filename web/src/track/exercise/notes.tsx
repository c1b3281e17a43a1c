/** Annotations that are written while listening; they are kept with the track. */

import { useComputed, useSignal } from "@preact/signals";
import { client } from "../../api";
import { time } from "../../format";
import { tellError } from "../../notices";
import type { Exercise } from "./exercise";
import { title as titled } from "./prompts";

export function Notes({ exercise }: { readonly exercise: Exercise }) {
  const { player, signal, trackId } = exercise.model;
  const [title, content, saving] = [useSignal(""), useSignal(""), useSignal(false)];
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
    if (!title.peek().trim() || saving.peek()) return;
    saving.value = true;
    const timeMs = Math.round(begun.peek() ?? player.timeMs.peek());
    const note = { timeMs, title: title.peek().trim() };
    try {
      const json = { start_time_ms: timeMs, title: note.title, category: exercise.config.peek().category ?? "journal", ...(content.peek().trim() && { content: content.peek().trim() }) };
      await client.call("post", "/v1/tracks/{track_id}/annotations", { path: { track_id: trackId }, json, signal });
      exercise.notes.value = [...exercise.notes.peek(), note];
      [title.value, content.value, begun.value] = ["", "", null];
    } catch (error) {
      // What was written stays in the form.
      tellError(error, "The note was not saved");
    } finally {
      saving.value = false;
    }
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
        <button disabled={saving.value || !title.value.trim()}>Save at {time(at)}</button>
      </form>
      {exercise.notes.value.length > 0 && (
        <ul aria-label="Notes" aria-live="polite">
          {exercise.notes.value.map((note) => (
            <li key={note.timeMs + note.title}>
              {time(note.timeMs)} {note.title}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
