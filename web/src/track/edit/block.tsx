/** One region or annotation on its lane: chosen, moved and resized by pointer and by keys. */

import { useEffect, useRef } from "preact/hooks";
import { time } from "../../format";
import { useTrack } from "../model";
import { toX } from "../view";
import type { Chosen, Kind } from "./editing";
import { editingOf, nameOf } from "./editing";
import type { Annotation, Region } from "./routes";
import { nextBeat, snap } from "./snap";
import type { Item } from "./things";
import { WORDS } from "./words";

export type Edge = "start" | "end" | "both";
export const ROW_PX = 26;
/** Shorter than this nothing is made. */
export const SHORTEST_MS = 20;
const FINE_MS = 10;
/** Keys that follow each other so closely are one gesture. */
const GESTURE_MS = 700;
/** A pointer that moved less was a click. */
const STILL_PX = 4;

export interface BlockProps {
  readonly kind: Kind;
  readonly item: Item<Region | Annotation>;
  readonly row: number;
  /** Whether Tab comes here: one of the lane's blocks is. */
  readonly reached: boolean;
  readonly onStep: (way: 1 | -1) => void;
}

export function Block({ kind, item, row, reached, onStep }: BlockProps) {
  const model = useTrack();
  const editing = editingOf(model);
  const timer = useRef(0);
  /** Whether what is being dragged was called off. */
  const cancelled = useRef(false);
  const { key, thing } = item;
  const me: Chosen = { kind, key };
  const draft = editing.draft.value?.key === key && editing.draft.value.kind === kind ? editing.draft.value : null;
  const [start, end] = draft ? [draft.start, draft.end] : [thing.start_time_ms, thing.end_time_ms ?? null];
  const chosen = editing.chosen.value?.kind === kind && editing.chosen.value.key === key;
  const mine = editing.isMine(kind, thing);
  const view = model.view.value;
  const isPin = end === null;
  const left = Math.max(toX(view, start), -8);
  const width = isPin ? undefined : Math.max(Math.min(toX(view, end), view.widthPx + 8) - left, 3);

  /** Moves an edge, or both, to a time; both keep their distance. */
  const moved = (edge: Edge, from: number, to: number | null, byMs: number, free: boolean): { start: number; end: number | null } => {
    const others = free ? [] : editing.things(kind).items.peek().filter((other) => other.key !== key);
    const edges = others.flatMap((other) => [other.thing.start_time_ms, other.thing.end_time_ms ?? other.thing.start_time_ms]);
    if (edge === "end" && to !== null) return { start: from, end: Math.max(snap(model, to + byMs, free, edges), from + SHORTEST_MS) };
    const first = snap(model, from + byMs, free, edges);
    if (edge === "start" && to !== null) return { start: Math.min(first, to - SHORTEST_MS), end: to };
    const length = to === null ? 0 : to - from;
    const kept = Math.max(0, Math.min(first, model.durationMs.peek() - length));
    return { start: kept, end: to === null ? null : kept + length };
  };

  // What was selected by a click on it goes along when it gets other times, by undo as well.
  const [startMs, endMs] = [thing.start_time_ms, thing.end_time_ms ?? null];
  const before = useRef({ startMs, endMs });
  useEffect(() => {
    const [was, selected] = [before.current, model.selection.peek()];
    before.current = { startMs, endMs };
    if (endMs !== null && selected?.fromMs === was.startMs && selected.toMs === was.endMs) model.selection.value = { fromMs: startMs, toMs: endMs };
  }, [model, startMs, endMs]);

  const commit = (what: string): void => {
    clearTimeout(timer.current);
    timer.current = 0;
    const now = editing.draft.peek();
    if (now?.key !== key || now.kind !== kind) return;
    editing.retime(me, now.start, now.end, what);
    editing.draft.value = null;
  };
  const did = (edge: Edge): string => `${WORDS[kind].one} “${nameOf(thing)}” ${edge === "both" ? "moved" : "resized"}`;

  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    event.stopPropagation();
    const block = event.currentTarget as HTMLElement;
    const edge = ((event.target as HTMLElement).dataset["edge"] ?? "both") as Edge;
    // A finger chooses first, and drags what is chosen: else nobody could scroll past.
    const drags = mine && (event.pointerType !== "touch" || chosen);
    editing.choose(me);
    if (!drags) return;
    block.setPointerCapture(event.pointerId);
    const [fromX, from, to] = [event.clientX, start, end];
    let far = false;
    cancelled.current = false;
    const onMove = (move: PointerEvent): void => {
      if (cancelled.current) return;
      far ||= Math.abs(move.clientX - fromX) >= STILL_PX;
      if (far) editing.draft.value = { kind, key, ...moved(edge, from, to, (move.clientX - fromX) * model.view.peek().msPerPx, move.altKey) };
    };
    const onEnd = (up: Event): void => {
      block.removeEventListener("pointermove", onMove);
      for (const name of ["pointerup", "pointercancel"]) block.removeEventListener(name, onEnd);
      if (up.type === "pointerup") commit(did(edge));
      else editing.draft.value = null;
    };
    block.addEventListener("pointermove", onMove);
    for (const name of ["pointerup", "pointercancel"]) block.addEventListener(name, onEnd);
  };

  const onClick = (event: MouseEvent): void => {
    event.stopPropagation();
    if (!isPin) model.selection.value = { fromMs: thing.start_time_ms, toMs: thing.end_time_ms! };
  };

  const nudge = (edge: Edge, to: { start: number; end: number | null }): void => {
    editing.draft.value = { kind, key, ...to };
    clearTimeout(timer.current);
    timer.current = setTimeout(() => commit(did(edge)), GESTURE_MS) as unknown as number;
  };

  const onArrow = (event: KeyboardEvent, way: 1 | -1): void => {
    if (!mine) return;
    const edge: Edge = event.altKey && !isPin ? "end" : "both";
    const at = edge === "end" ? end! : start;
    const goal = event.shiftKey ? at + way * FINE_MS : nextBeat(model, at, way);
    nudge(edge, moved(edge, start, end, goal - at, true));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const acts: Record<string, () => void> = {
      ArrowLeft: () => onArrow(event, -1),
      ArrowRight: () => onArrow(event, 1),
      ArrowUp: () => onStep(-1),
      ArrowDown: () => onStep(1),
      Enter: () => (editing.form.value = { kind, key, start, end }),
      Delete: () => editing.remove(me),
      Backspace: () => editing.remove(me),
    };
    const act = event.ctrlKey || event.metaKey ? undefined : acts[event.key];
    if (event.key === "Escape" && draft) {
      clearTimeout(timer.current);
      cancelled.current = true;
      editing.draft.value = null;
    } else if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act?.();
  };

  const span = isPin ? `at ${time(start, 2)}` : `${time(start, 2)} to ${time(end, 2)}`;
  const whose = kind === "annotation" ? (mine ? ", yours" : ", another’s") : "";
  return (
    <div
      class={`edit-block ${kind} ${isPin ? "pin" : ""} ${chosen ? "chosen" : ""} ${thing.id ? "" : "unsaved"} ${mine ? "" : "foreign"}`}
      style={{ left: `${left}px`, width: width === undefined ? undefined : `${width}px`, top: `${row * ROW_PX}px`, "--own": thing.color ?? undefined }}
      role="button"
      tabIndex={reached ? 0 : -1}
      data-key={key}
      aria-pressed={chosen}
      aria-label={`${nameOf(thing)}, ${span}${whose}`}
      title={`${nameOf(thing)} · ${span}`}
      onFocus={() => editing.choose(me)}
      onBlur={() => timer.current && commit(did("both"))}
      onPointerDown={onPointerDown}
      onClick={onClick}
      onDblClick={(event) => (event.stopPropagation(), (editing.form.value = { kind, key, start, end }))}
      onKeyDown={onKeyDown}
    >
      {mine && !isPin && <span class="edit-handle start" data-edge="start" />}
      <span class="edit-name">{nameOf(thing)}</span>
      {mine && !isPin && <span class="edit-handle end" data-edge="end" />}
    </div>
  );
}
