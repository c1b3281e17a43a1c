/** Uploads as they are seen: the list in the corner, and the page as a place to drop things on. */

import { signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { about, size } from "../format";
import type { Shortcut } from "../keys";
import { useShortcuts } from "../keys";
import { tell } from "../notices";
import { followLink, route } from "../route";
import { CheckIcon, CloseIcon, DownIcon, UpIcon, UploadIcon, WarnIcon } from "../ui/icons";
import { filesOf, MOST_FILES } from "./files";
import type { Found } from "./files";
import "./upload-tray.css";
import type { Upload } from "./uploads";
import { clearDone, remove, removeAll, retry, underWay, upload, uploads } from "./uploads";

/** Shown at most: a folder may hold thousands. */
const MOST_SHOWN = 40;

const picker = signal<HTMLInputElement | null>(null);
/** Opens the browser's dialog for files. */
export const chooseFiles = (): void => picker.peek()?.click();

export function Uploads() {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    picker.value = input.current;
    return () => void (picker.value = null);
  }, []);
  const keys = useMemo<readonly Shortcut[]>(() => [{ keys: "u", what: "Upload files", group: "Everywhere", repeats: false, run: chooseFiles }], []);
  useShortcuts(keys);
  // What came through was to be opened: where something is open, it is no news any more.
  const at = route.value;
  useEffect(() => void (at.page === "track" && clearDone()), [at]);
  const chosen = (): void => {
    const files = [...input.current!.files!];
    input.current!.value = "";
    take({ files: files.slice(0, MOST_FILES), leftOut: 0, tooMany: files.length > MOST_FILES });
  };
  return (
    <>
      <input ref={input} class="hidden" type="file" multiple accept="audio/*,video/mp4,video/webm,.flac,.mka,.mkv,.caf,.w64,.opus" tabIndex={-1} aria-hidden="true" onChange={chosen} />
      <DropPage />
      {uploads.value.length > 0 && <Tray />}
    </>
  );
}

function take({ files, leftOut, tooMany }: Found): void {
  if (files.length) upload(files);
  const left = leftOut ? `${leftOut} ${leftOut === 1 ? "file" : "files"} that ${leftOut === 1 ? "is" : "are"} no audio left out. ` : "";
  if (tooMany) tell({ kind: "error", title: `The first ${MOST_FILES} files are uploaded`, detail: `${left}For whole collections there is the command: arsis analyze -r FOLDER.` });
  else if (!files.length) tell({ kind: "error", title: "There is no audio in what was dropped", detail: left || undefined });
  else if (left) tell({ kind: "info", title: left.trim() });
}

const hasFiles = (data: DataTransfer | null): data is DataTransfer => data?.types.includes("Files") ?? false;

/** The whole page takes what is dropped on it or pasted into it, and says so while something hangs over it. */
function DropPage() {
  const isOver = useSignal(false);
  useEffect(() => {
    const gone = new AbortController();
    const options = { signal: gone.signal };
    // Enter and leave come for each element that is passed, the next one's enter first: who leaves the one entered last leaves the window.
    let last: EventTarget | null = null;
    addEventListener("dragenter", (event) => hasFiles(event.dataTransfer) && ((last = event.target), (isOver.value = true)), options);
    addEventListener("dragleave", (event) => event.target === last && (isOver.value = false), options);
    addEventListener("dragover", (event) => hasFiles(event.dataTransfer) && (event.preventDefault(), (event.dataTransfer.dropEffect = "copy")), options);
    addEventListener("drop", (event) => {
      isOver.value = false;
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      void filesOf(event.dataTransfer).then(take);
    }, options);
    addEventListener("paste", (event) => {
      if (!hasFiles(event.clipboardData)) return;
      event.preventDefault();
      void filesOf(event.clipboardData).then(take);
    }, options);
    return () => gone.abort();
  }, []);
  if (!isOver.value) return null;
  return (
    <div class="drop-page">
      <p>
        <UploadIcon size={40} />
        Drop to upload
      </p>
    </div>
  );
}

function Tray() {
  const isFolded = useSignal(false);
  const list = uploads.value;
  const failed = list.filter((one) => one.state.value.kind === "failed").length;
  const done = list.filter((one) => one.state.value.kind === "done").length;
  const coming = underWay.value;
  const total = list.reduce((sum, one) => sum + one.file.size, 0);
  const sent = list.reduce((sum, one) => sum + (one.state.value.kind === "done" ? one.file.size : one.sentBytes.value), 0);
  const said = coming ? `Uploading ${done + failed + 1} of ${list.length}` : failed ? `${failed} of ${list.length} not uploaded` : `${done} uploaded`;
  // What asks for something comes first, what waits last.
  const rank = { failed: 0, sending: 1, done: 2, waiting: 3 };
  const sorted = [...list].sort((a, b) => rank[a.state.value.kind] - rank[b.state.value.kind] || a.id - b.id);
  return (
    <section class="tray" aria-label="Uploads">
      <header>
        <div role="status"><h2>{said}</h2></div>
        <button class="quiet icon small" aria-expanded={!isFolded.value} aria-label={isFolded.value ? "Show the uploads" : "Fold the uploads"} onClick={() => (isFolded.value = !isFolded.value)}>
          {isFolded.value ? <UpIcon /> : <DownIcon />}
        </button>
        <button class="quiet icon small" aria-label={coming ? "Stop all uploads" : "Close the uploads"} onClick={removeAll}>
          <CloseIcon />
        </button>
      </header>
      {coming > 0 && <progress max={1} value={total ? sent / total : 0} aria-label="All uploads" />}
      {!isFolded.value && (
        <ul>
          {sorted.slice(0, MOST_SHOWN).map((one) => <Line key={one.id} one={one} />)}
          {list.length > MOST_SHOWN && <li class="hint">and {list.length - MOST_SHOWN} more</li>}
        </ul>
      )}
    </section>
  );
}

function Line({ one }: { readonly one: Upload }) {
  const state = one.state.value;
  const name = one.file.name;
  return (
    <li class={state.kind}>
      <div class="line">
        {state.kind === "done" && <span class="mark ok"><CheckIcon /></span>}
        {state.kind === "failed" && <span class="mark bad"><WarnIcon /></span>}
        <span class="name" title={name}>{name}</span>
        {state.kind === "done" && <a class="button small" href={`/tracks/${state.track.id}`} aria-label={`Open ${name}`} onClick={followLink}>Open</a>}
        {state.kind === "failed" && !state.isFinal && <button class="small" aria-label={`Try again: ${name}`} onClick={() => retry(one)}>Try again</button>}
        {state.kind !== "done" && (
          <button class="quiet icon small" aria-label={`${state.kind === "failed" ? "Dismiss" : "Cancel"} ${name}`} onClick={() => remove(one)}>
            <CloseIcon />
          </button>
        )}
      </div>
      {state.kind === "failed" && <p class="error-text" role="alert">{state.why}</p>}
      {state.kind === "waiting" && <p class="hint">{size(one.file.size)}, waits</p>}
      {state.kind === "sending" && <Sending one={one} />}
    </li>
  );
}

function Sending({ one }: { readonly one: Upload }) {
  const [sent, all, rate] = [one.sentBytes.value, one.file.size, one.rate.value];
  const isStoring = sent >= all;
  const left = rate ? ((all - sent) / rate) * 1000 : null;
  return (
    <>
      <progress max={1} {...(isStoring ? {} : { value: all ? sent / all : 0 })} aria-label={`Upload of ${one.file.name}`} />
      <p class="hint">
        {isStoring ? "Being stored…" : [`${size(sent)} of ${size(all)}`, rate && `${size(Math.round(rate))}/s`, left !== null && `${about(left)} left`].filter(Boolean).join(" · ")}
      </p>
    </>
  );
}
