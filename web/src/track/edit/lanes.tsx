/** The lanes that a person writes on: regions and annotations. Only what is seen is there. */

import { computed } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useTrack } from "../model";
import type { TrackModel } from "../model";
import { hold, toMs, toX } from "../view";
import { Block, ROW_PX, SHORTEST_MS } from "./block";
import type { Editing, Kind } from "./editing";
import { editingOf, nameOf } from "./editing";
import type { Annotation, Region } from "./routes";
import { MOST_ROWS, place, visible } from "./rows";
import { snap } from "./snap";
import "./edit.css";

const LONGEST_LABEL_PX = 150;
const labelPx = (thing: Region | Annotation): number => Math.min(nameOf(thing).length * 7.5 + 26, LONGEST_LABEL_PX);

export function EditLanes() {
  const editing = editingOf(useTrack());
  return (
    <>
      <ThingLane editing={editing} kind="region" label="Regions" empty="Drag here, or press R, to make a region" touch="Add region, below, makes one" />
      <ThingLane editing={editing} kind="annotation" label="Annotations" empty="Drag here, or press N, to write an annotation" touch="Add annotation, below, writes one" />
    </>
  );
}

interface ThingLaneProps {
  readonly editing: Editing;
  readonly kind: Kind;
  readonly label: string;
  readonly empty: string;
  /** The same for fingers, which move the picture here. */
  readonly touch: string;
}

function ThingLane({ editing, kind, label, empty, touch }: ThingLaneProps) {
  const model = useTrack();
  const lane = useRef<HTMLDivElement>(null);
  // Where something stands in its rows changes with the scale alone, so that nothing jumps while the view moves.
  const placed = useMemo(() => {
    const scale = computed(() => model.view.value.msPerPx);
    return computed(() => place(editing.things(kind).items.value, scale.value, labelPx));
  }, [editing, kind, model]);
  const view = model.view.value;
  const shown = view.widthPx ? visible(placed.value, view, LONGEST_LABEL_PX) : [];
  const rows = Math.min(placed.value.reduce((most, { row }) => Math.max(most, row + 1), 1), MOST_ROWS);
  const chosen = editing.chosen.value?.kind === kind ? editing.chosen.value.key : null;
  const reached = shown.some(({ item }) => item.key === chosen) ? chosen : shown[0]?.item.key;
  const draft = editing.draft.value;
  const fresh = draft?.kind === kind && draft.key === null ? draft : null;

  // What is stepped to may come into the view only with the next picture.
  const wanted = useRef<number | null>(null);
  useEffect(() => {
    const at = wanted.current !== null && lane.current?.querySelector<HTMLElement>(`[data-key="${wanted.current}"]`);
    if (!at) return;
    wanted.current = null;
    at.focus({ preventScroll: true });
  });
  const step = (from: number, way: 1 | -1): void => {
    const all = placed.peek();
    const to = all[all.findIndex(({ item }) => item.key === from) + way]?.item;
    if (!to) return;
    wanted.current = to.key;
    model.view.value = { ...hold(model.view.peek(), to.thing.start_time_ms, 0.2, model.durationMs.peek()) };
    editing.choose({ kind, key: to.key });
  };

  return (
    <div class="edit-lane" role="group" aria-label={label}>
      <span class="lane-label">{label}</span>
      <div
        class="edit-strip"
        ref={lane}
        style={{ height: `${rows * ROW_PX + 4}px` }}
        onPointerDown={(event) => makeByDrag(event, editing, model, kind)}
        onDblClick={(event) => {
          if (event.target !== event.currentTarget || kind !== "annotation") return;
          const at = snap(model, timeAt(event, model), event.altKey);
          editing.form.value = { kind, key: null, start: at, end: null };
        }}
      >
        {!placed.value.length && !fresh && (
          <span class="edit-empty">
            <span class="by-keys">{empty}</span>
            <span class="by-touch">{touch}</span>
          </span>
        )}
        {shown.map(({ item, row }) => (
          <Block key={item.key} kind={kind} item={item} row={row} reached={item.key === reached} onStep={(way) => step(item.key, way)} />
        ))}
        {fresh && <div class="edit-fresh" style={{ left: `${toX(view, fresh.start)}px`, width: `${(fresh.end! - fresh.start) / view.msPerPx}px` }} />}
      </div>
    </div>
  );
}

function timeAt(event: MouseEvent, model: TrackModel): number {
  return toMs(model.view.peek(), event.clientX - (event.currentTarget as HTMLElement).getBoundingClientRect().left);
}

/** A stretch drawn on the empty lane with the mouse; fingers move the picture there. */
function makeByDrag(event: PointerEvent, editing: Editing, model: TrackModel, kind: Kind): void {
  const lane = event.currentTarget as HTMLElement;
  if (event.button !== 0 || event.pointerType === "touch" || event.target !== lane) return;
  event.stopPropagation();
  lane.setPointerCapture(event.pointerId);
  const left = lane.getBoundingClientRect().left;
  const at = (move: PointerEvent): number => snap(model, toMs(model.view.peek(), move.clientX - left), move.altKey);
  const from = at(event);
  let isOff = false;
  const onMove = (move: PointerEvent): void => {
    if (isOff) return;
    const to = at(move);
    if (Math.abs(move.clientX - event.clientX) > 4) editing.draft.value = { kind, key: null, start: Math.min(from, to), end: Math.max(from, to) };
  };
  const onKey = (key: KeyboardEvent): void => {
    if (key.key !== "Escape") return;
    isOff = true;
    editing.draft.value = null;
  };
  const onEnd = (up: Event): void => {
    lane.removeEventListener("pointermove", onMove);
    for (const name of ["pointerup", "pointercancel"]) lane.removeEventListener(name, onEnd);
    removeEventListener("keydown", onKey);
    const made = editing.draft.peek();
    editing.draft.value = null;
    if (up.type !== "pointerup" || !made || made.end === null || made.end - made.start < SHORTEST_MS) return;
    editing.form.value = { kind, key: null, start: made.start, end: made.end };
  };
  lane.addEventListener("pointermove", onMove);
  for (const name of ["pointerup", "pointercancel"]) lane.addEventListener(name, onEnd);
  addEventListener("keydown", onKey);
}
