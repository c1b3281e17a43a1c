/** Beside the timeline: what has been written about the track, and the tools to correct its beats. */

import { useEffect, useMemo } from "preact/hooks";
import type { Shortcut } from "../../keys";
import { useShortcuts } from "../../keys";
import { useTrack } from "../model";
import { addBeat, chosenBeat, removeBeat, showsBars, startTaps, tap, toggleDownbeat } from "./beat-acts";
import { BeatTools } from "./beat-tools";
import { ConflictDialog } from "./conflict";
import type { Editing } from "./editing";
import { editingOf } from "./editing";
import { ThingForm } from "./form";
import { setSnaps, snaps } from "./snap";
import { TapBar } from "./taps";
import { AnnotationList, RegionList, startForm } from "./thing-list";
import "./edit.css";

const TABS = [
  ["regions", "Regions"],
  ["annotations", "Annotations"],
  ["beats", "Beats"],
] as const;

export function EditPanel() {
  const model = useTrack();
  const editing = editingOf(model);
  useEffect(() => editing.start(), [editing]);
  useShortcuts(useMemo(() => shortcutsOf(editing), [editing]));
  const tab = editing.tab.value;
  const counts = { regions: editing.regions.items.value.length, annotations: editing.annotations.items.value.length, beats: editing.beats.count.value };
  const onKeyDown = (event: KeyboardEvent): void => {
    const way = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!way) return;
    event.preventDefault();
    const to = (TABS.findIndex(([one]) => one === tab) + way + TABS.length) % TABS.length;
    editing.tab.value = TABS[to]![0];
    document.getElementById(`edit-tab-${TABS[to]![0]}`)?.focus();
  };
  return (
    <section class="panel edit-panel" aria-labelledby="edit-heading">
      <header class="edit-head">
        <h2 id="edit-heading">Edit</h2>
        <Undo />
      </header>
      <Waiting />
      <div class="edit-tabs" role="tablist" aria-labelledby="edit-heading" onKeyDown={onKeyDown}>
        {TABS.map(([one, label]) => (
          <button key={one} id={`edit-tab-${one}`} role="tab" aria-selected={one === tab} aria-controls="edit-tabpanel" tabIndex={one === tab ? 0 : -1} onClick={() => (editing.tab.value = one)}>
            {label} {counts[one] > 0 && <span class="edit-count">{counts[one].toLocaleString("en")}</span>}
          </button>
        ))}
      </div>
      <div class="edit-tabpanel" id="edit-tabpanel" role="tabpanel" aria-labelledby={`edit-tab-${tab}`}>
        {tab === "regions" ? <RegionList /> : tab === "annotations" ? <AnnotationList /> : <BeatTools />}
      </div>
      {tab !== "beats" && (
        <label class="edit-check">
          <input type="checkbox" checked={snaps.value} onChange={(event) => setSnaps(event.currentTarget.checked)} />
          Edges snap to beats <span class="edit-hint by-keys">(Alt: not now)</span>
        </label>
      )}
      <ThingForm />
      <ConflictDialog />
      <TapBar />
    </section>
  );
}

function Undo() {
  const { history } = useTrack();
  const [undo, redo] = [history.toUndo.value, history.toRedo.value];
  return (
    <div class="edit-undo" role="group" aria-label="History">
      <button aria-label={undo ? `Undo: ${undo}` : "Undo"} title={undo ? `Undo: ${undo}` : "Nothing to undo"} aria-disabled={!history.canUndo.value} onClick={() => void history.undo()}>↶</button>
      <button aria-label={redo ? `Redo: ${redo}` : "Redo"} title={redo ? `Redo: ${redo}` : "Nothing to redo"} aria-disabled={!history.canRedo.value} onClick={() => void history.redo()}>↷</button>
    </div>
  );
}

/** What is not stored yet, and why. */
function Waiting() {
  const { history } = useTrack();
  const why = history.waiting.value;
  return (
    <div role="status">
      {why && (
        <div class="edit-waiting">
          <div>
            <strong>{history.saving.value === 1 ? "One change is" : `${history.saving.value} changes are`} not stored yet</strong>
            <p>{why.title}. It is kept here and tried again.</p>
          </div>
          <button onClick={() => history.retry()}>Try now</button>
        </div>
      )}
    </div>
  );
}

function shortcutsOf(editing: Editing): readonly Shortcut[] {
  const { model } = editing;
  const group = "Edit";
  const remove = (): void => {
    const [beat, chosen] = [chosenBeat(editing), editing.chosen.peek()];
    if (editing.tab.peek() === "beats" && beat && isReady()) removeBeat(editing, beat.timeMs, "keyboard");
    else if (chosen) editing.remove(chosen);
  };
  const isReady = (): boolean => model.analysis.peek()?.status === "completed" && showsBars(model);
  return [
    { keys: "r", what: "New region of the selection", group, run: () => startForm(editing, "region") },
    { keys: "n", what: "New annotation here", group, run: () => startForm(editing, "annotation") },
    { keys: "Delete", what: "Remove what is chosen", group, repeats: false, run: remove },
    { keys: "Backspace", what: "Remove what is chosen", group, repeats: false, run: remove },
    { keys: "b", what: "Add a beat here", group, repeats: false, run: () => isReady() && addBeat(editing, model.player.timeMs.peek(), "keyboard") },
    { keys: "d", what: "A bar starts at this beat, or does not", group, repeats: false, run: () => isReady() && toggleDownbeat(editing, "keyboard") },
    { keys: "k", what: "Tap along", group, repeats: false, run: (event) => (editing.taps.peek() ? tap(editing, event) : isReady() && startTaps(editing)) },
    { keys: "j", what: "Tap, while tapping along", group, repeats: false, run: (event) => tap(editing, event) },
    { keys: "Mod+z", what: "Undo", group, run: () => void model.history.undo() },
    { keys: "Mod+Shift+z", what: "Redo", group, run: () => void model.history.redo() },
    { keys: "Mod+y", what: "Redo", group, run: () => void model.history.redo() },
  ];
}
