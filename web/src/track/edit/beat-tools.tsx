/** The tools that correct beats and bars: the beat that is chosen, the whole or the selection, and taps. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { time } from "../../format";
import { Dialog } from "../../ui/dialog";
import { useTrack } from "../model";
import { addBeat, agrees, chosenBeat, forget, lateness, moveBeat, removeBeat, setLevel, setMeter, shiftBeats, showsBars, startTaps, stepBeat, toggleDownbeat } from "./beat-acts";
import type { Factor } from "./beat-acts";
import { beatName, ORIGINS } from "./beat-layer";
import { editingOf } from "./editing";

export function BeatTools() {
  const model = useTrack();
  const editing = editingOf(model);
  const analysis = model.analysis.value;
  if (analysis?.status !== "completed") return <p class="edit-hint">Beats can be corrected once the analysis is completed.</p>;
  if (!showsBars(model)) return <p class="edit-hint">Beats and bars are shown after your answer.</p>;
  const reach = model.selection.value;
  return (
    <>
      <Legend />
      <div class="edit-tools">
        <button class="primary" onClick={() => startTaps(editing)}>Tap along</button>
        <button onClick={() => addBeat(editing, model.player.timeMs.peek(), "click")} title="At what is heard now (B)">Add a beat</button>
        {editing.beats.decoding.value > 0 && <span class="edit-hint edit-busy">Decoding…</span>}
      </div>
      <ChosenBeat />
      <fieldset class="edit-group">
        <legend>{reach ? `Beats from ${time(reach.fromMs, 1)} to ${time(reach.toMs, 1)}` : "All beats"}</legend>
        <div class="edit-tools">
          {LEVELS.map(([factor, label, said]) => <button key={factor} aria-label={said} title={said} onClick={() => setLevel(editing, factor)}>{label}</button>)}
          <button onClick={() => shiftBeats(editing)} title="Each beat moves to half-way to the next">Shift by half a beat</button>
        </div>
        <p class="edit-hint">{reach ? "Of what is selected." : "Of the whole track: select a stretch to change only that."}</p>
      </fieldset>
      <Machine />
    </>
  );
}

const LEVELS: readonly (readonly [Factor, string, string])[] = [
  ["half", "½", "Half as many beats"],
  ["double", "×2", "Twice as many beats"],
  ["third", "⅓", "A third of the beats"],
  ["triple", "×3", "Three times the beats"],
];

function ChosenBeat() {
  const editing = editingOf(useTrack());
  const beats = useSignal(4);
  const beat = chosenBeat(editing);
  const set = (event: SubmitEvent): void => {
    event.preventDefault();
    if (beat) setMeter(editing, beats.value);
  };
  return (
    <fieldset class="edit-group">
      <legend>One beat</legend>
      <div class="edit-tools edit-chosen-beat">
        <button aria-label="Beat before" title="Beat before" onClick={() => stepBeat(editing, -1)}>‹</button>
        <output>{beat ? beatName(beat) : "None is chosen: click one on its lane."}</output>
        <button aria-label="Next beat" title="Next beat" onClick={() => stepBeat(editing, 1)}>›</button>
      </div>
      <div class="edit-tools">
        <button aria-disabled={!beat} onClick={() => beat && moveBeat(editing, beat.timeMs, beat.timeMs - 10, "click")}>−10 ms</button>
        <button aria-disabled={!beat} onClick={() => beat && moveBeat(editing, beat.timeMs, beat.timeMs + 10, "click")}>+10 ms</button>
        <button aria-disabled={!beat} onClick={() => beat && toggleDownbeat(editing, "click")}>{beat?.position === 1 ? "No bar starts here" : "A bar starts here"}</button>
        <button aria-disabled={!beat} onClick={() => beat && removeBeat(editing, beat.timeMs, "click")}>Remove</button>
      </div>
      <form class="edit-tools" onSubmit={set}>
        <label class="edit-inline">
          Beats in a bar
          <input type="number" min={1} max={32} required value={beats.value} onInput={(event) => (beats.value = event.currentTarget.valueAsNumber)} />
        </label>
        <button aria-disabled={!beat || !(beats.value >= 1 && beats.value <= 32)}>From this beat on</button>
      </form>
    </fieldset>
  );
}

function Legend() {
  const { beats } = useTrack();
  const grid = beats.corrected.value;
  if (!grid) return <p class="edit-hint">These are the machine’s beats. What you correct is kept apart, and is yours alone.</p>;
  const { origins, tap_rows } = grid.summary;
  return (
    <>
      {agrees(grid.summary) && <p class="edit-hint">What you said agrees with the machine’s beats: none had to move.</p>}
      <ul class="edit-legend" aria-label="Where beats come from">
        {(["corrected", "inferred", "machine"] as const).map((origin) => (
          <li key={origin}>
            <span class={`edit-origin ${origin}`} />
            <b>{origins[origin].toLocaleString("en")}</b> {ORIGINS[origin]}
          </li>
        ))}
      </ul>
      {tap_rows.map((row) => (
        <p class="edit-hint" key={row.from_ms}>
          {row.taps} taps from {time(row.from_ms, 1)} on at {row.bpm.toFixed(1)} BPM. {lateness(row.latency_ms)}
        </p>
      )).slice(-3)}
    </>
  );
}

function Machine() {
  const model = useTrack();
  const editing = editingOf(model);
  const asks = useSignal(false);
  const count = editing.beats.count.value;
  const n = `${count.toLocaleString("en")} ${count === 1 ? "correction" : "corrections"}`;
  const went = useRef(false);
  useEffect(() => {
    // The button that asked goes with the corrections: on from the tab of what it was in.
    if (!count && went.current) document.getElementById("edit-tab-beats")?.focus({ preventScroll: true });
    went.current = false;
  }, [count]);
  if (!count) return null;
  const close = (): void => void (asks.value = false);
  const go = (): void => {
    close();
    went.current = true;
    void forget(editing);
  };
  return (
    <div class="edit-tools">
      <span class="edit-hint">{n}</span>
      <span class="edit-space" />
      <button onClick={() => (asks.value = true)}>Back to the machine’s</button>
      {asks.value && (
        <Dialog title="Back to the machine’s beats?" onClose={close}>
          <p>Your {n} of this track will be removed. This can be undone as long as the page is open.</p>
          <div class="actions">
            <button onClick={close}>Cancel</button>
            <button class="primary" onClick={go}>Remove {n}</button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
