/** Edges that fall in with the music: a time that is near a beat becomes the beat's. */

import { signal } from "@preact/signals";
import type { TrackModel } from "../model";

const KEY = "arsis.snap";
/** How near is near, in pixels. */
const NEAR_PX = 9;
/** Without beats, what a step by the keyboard is. */
const STEP_MS = 500;
/** Farther apart than this no beats are; the next one is looked for so far. */
const LOOK_MS = 6_000;

export const snaps = signal(localStorage.getItem(KEY) !== "off");

export function setSnaps(on: boolean): void {
  snaps.value = on;
  localStorage.setItem(KEY, on ? "on" : "off");
}

/** A time, or what it falls in with: a downbeat rather than a beat, then edges of other things. `free` leaves it as it is. */
export function snap(model: TrackModel, ms: number, free: boolean, edges: readonly number[] = []): number {
  const kept = Math.round(Math.min(Math.max(ms, 0), model.durationMs.peek()));
  if (free || !snaps.peek()) return kept;
  const near = NEAR_PX * model.view.peek().msPerPx;
  // So far out that beats run together, they would only get in the way.
  const beats = near < 400 ? model.beats.within({ fromMs: ms - near, toMs: ms + near }) : [];
  const downbeats = beats.filter((beat) => beat.position === 1);
  const points = [...(downbeats.length ? downbeats : beats).map((beat) => beat.timeMs), ...edges, model.player.timeMs.peek(), 0, model.durationMs.peek()];
  const best = points.reduce((one, other) => (Math.abs(other - ms) < Math.abs(one - ms) ? other : one), Infinity);
  return Math.abs(best - ms) <= near ? Math.round(best) : kept;
}

/** The beat before or after a time. */
export function nextBeat(model: TrackModel, ms: number, way: 1 | -1): number {
  const span = way > 0 ? { fromMs: ms + 1, toMs: ms + LOOK_MS } : { fromMs: ms - LOOK_MS, toMs: ms };
  const beats = model.beats.within(span).filter((beat) => (way > 0 ? beat.timeMs > ms : beat.timeMs < ms));
  const found = way > 0 ? beats[0] : beats.at(-1);
  return Math.round(Math.min(Math.max(found?.timeMs ?? ms + way * STEP_MS, 0), model.durationMs.peek()));
}

/** The beat nearest a time, within so many ms. */
export function beatNear(model: TrackModel, ms: number, withinMs: number): ReturnType<TrackModel["beats"]["within"]>[number] | undefined {
  const beats = model.beats.within({ fromMs: ms - withinMs, toMs: ms + withinMs });
  return beats.reduce<(typeof beats)[number] | undefined>((one, other) => (!one || Math.abs(other.timeMs - ms) < Math.abs(one.timeMs - ms) ? other : one), undefined);
}
