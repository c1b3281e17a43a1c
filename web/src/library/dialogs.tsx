/** Dialogs about one track: what is said about it, and whether it goes. */

import type { Track } from "@arsis/client";
import { useSignal } from "@preact/signals";
import type { Explained } from "../api";
import { client, explain } from "../api";
import { tell } from "../notices";
import { noticeEnd } from "../session";
import { Dialog } from "../ui/dialog";
import { note, removed } from "./tracks";

interface About {
  readonly track: Track;
  readonly onClose: () => void;
}

const MOST_TAGS = 50;

/** The answer of a form: what it does, and why it did not work. */
function useSaving(save: () => Promise<void>) {
  const isBusy = useSignal(false);
  const failure = useSignal<Explained | null>(null);
  const run = async (): Promise<void> => {
    if (isBusy.peek()) return;
    [isBusy.value, failure.value] = [true, null];
    try {
      await save();
    } catch (error) {
      if (!noticeEnd(error)) failure.value = explain(error);
    }
    isBusy.value = false;
  };
  return { isBusy, failure, run };
}

const Failure = ({ of }: { readonly of: Explained | null }) => of && <p role="alert" class="error-text">{of.title}{of.detail && `. ${of.detail}`}</p>;

export function EditDialog({ track, onClose }: About) {
  const form = useSignal<HTMLFormElement | null>(null);
  const { isBusy, failure, run } = useSaving(async () => {
    const said = new FormData(form.peek()!);
    const text = (name: string): string | null => String(said.get(name)).trim() || null;
    const tags = [...new Set(String(said.get("tags")).split(",").map((tag) => tag.trim()).filter(Boolean))].slice(0, MOST_TAGS);
    note(await client.updateTrack(track.id, { name: text("name") ?? track.name, artist: text("artist"), album: text("album"), genre: text("genre"), tags }));
    onClose();
  });
  return (
    <Dialog title="Edit the track" onClose={onClose}>
      <form class="stack" ref={(element) => void (form.value = element)} onSubmit={(event) => (event.preventDefault(), void run())}>
        <label class="field"><span>Name</span><input name="name" defaultValue={track.name} required maxLength={500} pattern=".*\S.*" autofocus /></label>
        <label class="field"><span>Artist</span><input name="artist" defaultValue={track.artist ?? ""} maxLength={500} /></label>
        <label class="field"><span>Album</span><input name="album" defaultValue={track.album ?? ""} maxLength={500} /></label>
        <label class="field"><span>Genre</span><input name="genre" defaultValue={track.genre ?? ""} maxLength={500} /></label>
        <label class="field"><span>Tags</span><input name="tags" defaultValue={track.tags.join(", ")} aria-describedby="tags-hint" /></label>
        <p class="hint" id="tags-hint">Separated by commas.</p>
        <Failure of={failure.value} />
        <div class="actions">
          <button type="button" onClick={onClose}>Cancel</button>
          <button class="primary" aria-disabled={isBusy.value}>{isBusy.value ? "Saving…" : "Save"}</button>
        </div>
      </form>
    </Dialog>
  );
}

export function DeleteDialog({ track, onClose }: About) {
  const { isBusy, failure, run } = useSaving(async () => {
    await client.deleteTrack(track.id);
    const row = document.querySelector(`[data-track="${track.id}"]`);
    const next = row?.nextElementSibling ?? row?.previousElementSibling;
    onClose();
    removed(track.id);
    // Its row goes, and with it what had the focus: on from the row that takes its place.
    requestAnimationFrame(() => (next?.querySelector("a") ?? document.querySelector<HTMLElement>("main h1"))?.focus({ preventScroll: true }));
    tell({ kind: "info", title: `“${track.name}” is deleted` });
  });
  return (
    <Dialog title="Delete the track?" onClose={onClose}>
      <p>
        <strong class="named">{track.name}</strong> goes with its audio, its analyses, and all that was marked and corrected in it. This cannot be undone.
      </p>
      <Failure of={failure.value} />
      <div class="actions">
        <button autofocus onClick={onClose}>Keep it</button>
        <button class="danger" aria-disabled={isBusy.value} onClick={() => void run()}>{isBusy.value ? "Deleting…" : "Delete"}</button>
      </div>
    </Dialog>
  );
}
