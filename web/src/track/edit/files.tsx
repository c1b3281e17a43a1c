/** Regions and annotations as files, out and in: JAMS, and label tracks of Audacity. */

import { useRef } from "preact/hooks";
import { client } from "../../api";
import { tell } from "../../notices";
import { useTrack } from "../model";
import { closeOnEscape, closeOnLeave } from "../tools";
import type { Kind } from "./editing";
import { editingOf } from "./editing";
import { WORDS } from "./words";

/** The server takes no more. */
const MOST_BYTES = 4 * 1024 * 1024;

export function Files({ kind }: { readonly kind: Kind }) {
  const model = useTrack();
  const editing = editingOf(model);
  const { list, many } = WORDS[kind];
  const menu = useRef<HTMLDetailsElement>(null);
  const close = (): void => void (menu.current!.open = false);
  const path = `/v1/tracks/${model.trackId}/${list}`;

  const take = async (event: Event): Promise<void> => {
    const input = event.currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    close();
    // The same file can be chosen again.
    input.value = "";
    if (!file) return;
    if (file.size > MOST_BYTES) {
      tell({ kind: "error", title: `${file.name} is too large`, detail: "At most 4 MiB are taken." });
      return;
    }
    const text = await file.text();
    const format = /\.jams$|\.json$/i.test(file.name) || text.trimStart().startsWith("{") ? "jams" : "audacity";
    const type = format === "jams" ? "application/json" : "text/plain";
    let count = 0;
    const worked = await editing.makeMany(kind, `${many} taken from ${file.name}`, async (once) => {
      const headers = { "content-type": type, "idempotency-key": once };
      const response = await client.send(`${path}/import`, { method: "POST", query: { format }, headers, body: () => ({ body: text }) });
      count = ((await response.json()) as { count: number }).count;
    });
    if (worked) tell({ kind: "info", title: count ? `${count} ${count === 1 ? kind : list} taken from ${file.name}` : `${file.name} holds no ${list}` });
  };

  return (
    <details class="edit-files" ref={menu} onFocusOut={closeOnLeave} onKeyDown={closeOnEscape}>
      <summary class="button">Files</summary>
      <div class="edit-menu">
        <label class="button">
          Import JAMS or Audacity labels
          <input type="file" class="hidden" accept=".jams,.json,.txt,application/json,text/plain" onChange={(event) => void take(event)} />
        </label>
        <a class="button" href={`${path}/export/jams`} download onClick={close}>Export JAMS</a>
        <a class="button" href={`${path}/export/audacity`} download onClick={close}>Export Audacity labels</a>
      </div>
    </details>
  );
}
