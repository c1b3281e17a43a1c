/** The library: tracks, their state and what was heard in them. */

import { effect, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { connection, renewals } from "../connection";
import type { Shortcut } from "../keys";
import { useShortcuts } from "../keys";
import { restoreScroll } from "../route";
import { NoteIcon, UploadIcon } from "../ui/icons";
import { useTitle } from "../ui/title";
import { DeleteDialog, EditDialog } from "./dialogs";
import { FilterBar } from "./filter-bar";
import "./library.css";
import { ended } from "./live";
import { useRowKeys } from "./row-keys";
import type { Asked } from "./row-keys";
import { Table } from "./table";
import { entryOf, filter, filterKey, pages, readAnew, reading, setFilter, shown } from "./tracks";
import { chooseFiles } from "./upload-tray";

export function LibraryPage() {
  useTitle("Library");
  useReading();
  const asked = useSignal<Asked | null>(null);
  useRowKeys((it) => (asked.value = it));
  const search = useRef<HTMLInputElement>(null);
  const keys = useMemo<readonly Shortcut[]>(() => [{ keys: "/", what: "Search", group: "Library", repeats: false, run: () => search.current?.select() }], []);
  useShortcuts(keys);

  const isEmpty = pages.value.every((ids) => ids.length === 0);
  const { q, tag, status } = filter.value;
  const isFiltered = q.trim() !== "" || tag !== "" || status !== "";
  const isNew = isEmpty && shown.value !== null && !isFiltered;
  const about = asked.value && entryOf(asked.value.id)?.peek().track;
  const close = (): void => void (asked.value = null);
  return (
    <div class="library" aria-busy={reading.value.kind === "reading"}>
      <div class="head">
        <h1 tabIndex={-1}>Library</h1>
        <button class="primary" onClick={chooseFiles}>
          <UploadIcon /> Upload
        </button>
      </div>
      {!isNew && <FilterBar search={search} />}
      {isNew ? <Welcome /> : isEmpty && shown.value === filterKey.value ? <NothingFound /> : !isEmpty && <Table ask={(it) => (asked.value = it)} />}
      <Reading isEmpty={isEmpty} />
      <p class="hidden" role="status">{ended.value}</p>
      {about && asked.value?.what === "edit" && <EditDialog key={about.id} track={about} onClose={close} />}
      {about && asked.value?.what === "delete" && <DeleteDialog key={about.id} track={about} onClose={close} />}
    </div>
  );
}

/** Reads the list when the page comes, the filter changes, the server is back, or somebody looks again after a while. */
function useReading(): void {
  useEffect(() => {
    let read = 0;
    const stop = effect(() => {
      void [filterKey.value, renewals.value];
      read = Date.now();
      void readAnew();
    });
    const seen = (): void => void (!document.hidden && Date.now() - read > LOOK_AGAIN_MS && ((read = Date.now()), readAnew()));
    document.addEventListener("visibilitychange", seen);
    const y = restoreScroll;
    if (y) requestAnimationFrame(() => scrollTo(0, y));
    return () => {
      stop();
      document.removeEventListener("visibilitychange", seen);
    };
  }, []);
}
const LOOK_AGAIN_MS = 15_000;

function Welcome() {
  return (
    <section class="welcome">
      <span class="sign"><NoteIcon size={44} /></span>
      <h2>Drop music here</h2>
      <p>Files or whole folders: WAV, FLAC, MP3, AAC, Ogg, Opus and more. They stay on this server.</p>
      <button class="primary" onClick={chooseFiles}>
        <UploadIcon /> Choose files
      </button>
      <p class="hint">
        Each is analysed as soon as it is here, in seconds: tempo, beats and bars, key, chords, sections and sound. Then open it to look and listen.
      </p>
    </section>
  );
}

function NothingFound() {
  const { q, tag, status } = filter.value;
  const states = { processing: "being analysed", ready: "ready", error: "failed" };
  const said = q.trim() ? `No track has “${q.trim()}” in its name, artist or album` : tag ? `No track has the tag “${tag}”` : `No track is ${status ? states[status] : "here"}`;
  return (
    <section class="nothing">
      <h2>{said}</h2>
      <button onClick={() => setFilter({ q: "", tag: "", status: "" })}>Show all tracks</button>
    </section>
  );
}

/** What is being read, or could not be. */
function Reading({ isEmpty }: { readonly isEmpty: boolean }) {
  const now = reading.value;
  if (now.kind === "failed") {
    return (
      <section class="nothing" role="alert">
        <h2>The library could not be read: {now.why.title}</h2>
        {now.why.detail && <p>{now.why.detail}</p>}
        <button onClick={() => void readAnew()}>Try again</button>
      </section>
    );
  }
  if (now.kind !== "reading" || !isEmpty || shown.value !== null) return null;
  return <p class="hint" role="status">{connection.value === "lost" ? "The library comes when the connection does." : "One moment…"}</p>;
}
