/** Moves in time by the music's own measure: beats and bars. */

import { tell } from "../../notices";
import type { Beat } from "../beats";
import type { Span } from "../view";
import type { Player } from "./player";

/** Looked through for the next bar, on either side: holds two bars of a very slow piece. */
const AROUND_MS = 20_000;
/** Back goes to the start of what plays only where it has played for so long, as on every player. */
const GRACE_MS = 300;

/** Where a bar begins; every beat where no bars are known. */
export function barStarts(beats: readonly Beat[]): readonly number[] {
  const firsts = beats.filter((beat) => beat.position === 1);
  return (firsts.length > 1 ? firsts : beats).map((beat) => beat.timeMs);
}

async function around(player: Player): Promise<readonly Beat[]> {
  const at = player.timeMs.peek();
  return player.beats({ fromMs: Math.max(0, at - AROUND_MS), toMs: at + AROUND_MS }).catch(() => []);
}

function go(player: Player, times: readonly number[], direction: 1 | -1, what: string): void {
  const at = player.timeMs.peek();
  const grace = player.playing.peek() ? GRACE_MS : 1;
  const to = direction > 0 ? times.find((ms) => ms > at + 1) : times.findLast((ms) => ms < at - grace);
  if (to !== undefined) player.seek(to);
  else if (times.length === 0) tell({ kind: "info", title: `No ${what} are known here` });
  else if (direction < 0) player.seek(0);
}

export const moveByBar = async (player: Player, direction: 1 | -1): Promise<void> => go(player, barStarts(await around(player)), direction, "bars");

export async function moveByBeat(player: Player, direction: 1 | -1): Promise<void> {
  const beats = await around(player);
  go(player, beats.map((beat) => beat.timeMs), direction, "beats");
}

/** The span of so many bars from the one that is heard on; null where none are known. */
export async function barsFromHere(player: Player, count: number): Promise<Span | null> {
  const at = player.timeMs.peek();
  const starts = barStarts(await player.beats({ fromMs: Math.max(0, at - AROUND_MS), toMs: at + AROUND_MS + count * 10_000 }).catch(() => []));
  const first = starts.findLastIndex((ms) => ms <= at + 1);
  const from = starts[Math.max(first, 0)];
  const to = starts[Math.max(first, 0) + count];
  return from === undefined || to === undefined ? null : { fromMs: from, toMs: to };
}

/** Loops what is selected, or the bar that is heard; ends a loop where there is one. */
export async function toggleLoop(player: Player, selection: Span | null): Promise<void> {
  const current = player.loop.peek();
  if (current && (!selection || isSame(current, selection))) player.loop.value = null;
  else if (selection && selection.toMs - selection.fromMs >= 1) player.loop.value = selection;
  else await loopBars(player, 1);
}

export async function loopBars(player: Player, count: number): Promise<void> {
  const span = await barsFromHere(player, count);
  if (span) player.loop.value = span;
  else tell({ kind: "info", title: "Nothing to loop yet", detail: "No bars are known here. Select a part of the timeline, or set the ends with [ and ]." });
}

/** Puts one end of the loop where it is heard now; the other stays, or lies at the end of the track. */
export function setLoopEnd(player: Player, end: "in" | "out", durationMs: number, least: number): void {
  const at = player.timeMs.peek();
  const { fromMs, toMs } = player.loop.peek() ?? { fromMs: 0, toMs: durationMs };
  const span = end === "in" ? { fromMs: at, toMs: toMs > at + least ? toMs : durationMs } : { fromMs: fromMs < at - least ? fromMs : 0, toMs: at };
  if (span.toMs - span.fromMs >= least) player.loop.value = span;
}

const isSame = (a: Span, b: Span): boolean => a.fromMs === b.fromMs && a.toMs === b.toMs;
