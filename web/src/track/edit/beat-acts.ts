/** Gestures on beats and bars, each one act. */

import { tell } from "../../notices";
import type { TrackModel } from "../model";
import { hold } from "../view";
import type { NewCorrection, Source } from "./corrections";
import { reachOf, tapsOf } from "./corrections";
import type { Editing } from "./editing";
import { beatNear } from "./snap";
import { time } from "../../format";

/** Fewer taps are no row. */
export const FEWEST_TAPS = 4;
/** A beat that was chosen is found again by its time, though it moved a little. */
const SAME_MS = 60;

function say(editing: Editing, what: string, corrections: readonly NewCorrection[], source: Source): Promise<boolean> {
  return editing.model.history.act(editing.beats.correcting(what, corrections, source));
}

/** Whether beats and bars may be seen and so be corrected: not while an exercise asks for them. */
export const showsBars = ({ concealed }: TrackModel): boolean => !concealed.value.has("beats") && !concealed.value.has("downbeats");

/** The beat that is chosen, as it is now. */
export function chosenBeat(editing: Editing): ReturnType<typeof beatNear> {
  void editing.model.beats.revision.value;
  void editing.model.beats.corrected.value;
  const at = editing.beats.chosenMs.value;
  return at === null ? undefined : beatNear(editing.model, at, SAME_MS);
}

export function chooseBeat(editing: Editing, timeMs: number | null): void {
  editing.beats.chosenMs.value = timeMs;
  if (timeMs === null) return;
  editing.tab.value = "beats";
  const { view, durationMs } = editing.model;
  view.value = hold(view.peek(), timeMs, 0.2, durationMs.peek());
}

/** The beat before or after the chosen one. */
export function stepBeat(editing: Editing, way: 1 | -1): void {
  const at = editing.beats.chosenMs.peek() ?? editing.model.player.timeMs.peek();
  const span = way > 0 ? { fromMs: at + 2, toMs: at + 8_000 } : { fromMs: at - 8_000, toMs: at - 1 };
  const beats = editing.model.beats.within(span);
  const to = way > 0 ? beats[0] : beats.at(-1);
  if (to) chooseBeat(editing, to.timeMs);
}

export function moveBeat(editing: Editing, fromMs: number, toMs: number, source: Source): void {
  const time_ms = Math.round(Math.min(Math.max(toMs, 0), editing.model.durationMs.peek()));
  if (time_ms === Math.round(fromMs)) return;
  chooseBeat(editing, time_ms);
  const by = time_ms - Math.round(fromMs);
  void say(editing, `Beat moved by ${by > 0 ? "+" : "−"}${Math.abs(by)} ms`, [{ kind: "beat", time_ms, moved_from_ms: Math.round(fromMs) }], source);
}

export function addBeat(editing: Editing, atMs: number, source: Source): void {
  const time_ms = Math.round(Math.min(Math.max(atMs, 0), editing.model.durationMs.peek()));
  chooseBeat(editing, time_ms);
  void say(editing, `Beat added at ${time(time_ms, 2)}`, [{ kind: "beat", time_ms }], source);
}

export function removeBeat(editing: Editing, atMs: number, source: Source): void {
  chooseBeat(editing, null);
  void say(editing, `Beat at ${time(atMs, 2)} removed`, [{ kind: "no_beat", time_ms: Math.round(atMs) }], source);
}

export function toggleDownbeat(editing: Editing, source: Source): void {
  const beat = chosenBeat(editing) ?? beatNear(editing.model, editing.model.player.timeMs.peek(), 400);
  if (!beat) return void tell({ kind: "info", title: "Choose a beat first", detail: "A click on it does." });
  chooseBeat(editing, beat.timeMs);
  const isOne = beat.position === 1;
  const what = isOne ? `No bar starts at ${time(beat.timeMs, 2)}` : `A bar starts at ${time(beat.timeMs, 2)}`;
  void say(editing, what, [{ kind: isOne ? "not_downbeat" : "downbeat", time_ms: Math.round(beat.timeMs) }], source);
}

export function setMeter(editing: Editing, beats_per_bar: number): void {
  const { selection, player } = editing.model;
  const span = selection.peek();
  const at = Math.round(chosenBeat(editing)?.timeMs ?? span?.fromMs ?? player.timeMs.peek());
  const until = span && span.fromMs <= at + SAME_MS && span.toMs > at ? { end_time_ms: Math.round(span.toMs) } : {};
  void say(editing, `${beats_per_bar} beats in a bar from ${time(at, 2)}`, [{ kind: "meter", time_ms: at, beats_per_bar, ...until }], "click");
}

const LEVELS = { half: "Half as many beats", double: "Twice as many beats", third: "A third of the beats", triple: "Three times the beats" } as const;
export type Factor = keyof typeof LEVELS;

export function setLevel(editing: Editing, factor: Factor): void {
  void say(editing, LEVELS[factor], [{ kind: "tempo", factor, ...reachOf(editing.model.selection.peek()) }], "click");
}

export function shiftBeats(editing: Editing): void {
  void say(editing, "Beats shifted by half a beat", [{ kind: "shift", ...reachOf(editing.model.selection.peek()) }], "click");
}

export async function forget(editing: Editing): Promise<void> {
  chooseBeat(editing, null);
  await editing.model.history.act(editing.beats.forgetting("Back to the machine’s beats"));
}

/** When a tap was heard, in ms: what is heard comes later than what is played, and events later than fingers. */
export function tapTime(editing: Editing, event: Event): number {
  return editing.model.player.tapTimeMs(event);
}

export function startTaps(editing: Editing): void {
  if (editing.taps.peek() || editing.model.analysis.peek()?.status !== "completed") return;
  editing.taps.value = [];
  editing.tab.value = "beats";
  if (!editing.model.player.playing.peek()) void editing.model.player.play().catch(() => undefined);
}

export function tap(editing: Editing, event: Event): void {
  const taps = editing.taps.peek();
  if (taps) editing.taps.value = [...taps, tapTime(editing, event)];
}

/** Ends a row of taps: sent as one gesture, and its tempo and delay told. */
export async function endTaps(editing: Editing, keep: boolean): Promise<void> {
  const taps = editing.taps.peek();
  editing.taps.value = null;
  if (!taps?.length) return;
  if (!keep) {
    const again = (): void => void (editing.taps.value ??= taps);
    tell({ kind: "info", title: taps.length === 1 ? "One tap discarded" : `${taps.length} taps discarded`, topic: "taps", action: { label: "Undo", run: again } });
    return;
  }
  if (taps.length < FEWEST_TAPS) {
    tell({ kind: "info", title: `${taps.length === 1 ? "One tap is" : `${taps.length} taps are`} too few`, detail: `${FEWEST_TAPS} in a row at least say where the beats are.` });
    return;
  }
  const { durationMs, beats } = editing.model;
  const before = beats.corrected.peek();
  const worked = await say(editing, `${taps.length} taps`, tapsOf(taps, durationMs.peek()), "tap");
  const grid = beats.corrected.peek();
  const row = grid?.summary.tap_rows.at(-1);
  // The same grid as before was not decoded anew.
  if (!worked || (grid && grid === before)) return;
  if (row && grid && agrees(grid.summary)) tell({ kind: "info", title: "Your taps agree with the machine’s beats", detail: `Tapped ${row.bpm.toFixed(1)} BPM: no beat had to move.` });
  else if (row) tell({ kind: "info", title: `Tapped ${row.bpm.toFixed(1)} BPM`, detail: lateness(row.latency_ms) });
  else tell({ kind: "info", title: "The taps changed nothing", detail: "They keep no beat, or there are too few in a row." });
}

/** Whether what was said moved no beat. */
export const agrees = ({ origins }: { readonly origins: { readonly corrected: number; readonly inferred: number } }): boolean => origins.corrected + origins.inferred === 0;

export const lateness = (ms: number): string =>
  Math.abs(ms) < 1 ? "Your taps come on time." : `Your taps come ${Math.abs(ms).toFixed(0)} ms ${ms > 0 ? "late" : "early"}; the beats are laid where they are heard.`;
