/** Over the lane of beats: what was corrected is marked, and beats are chosen, dragged, added and removed. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { time } from "../../format";
import { colour, theme } from "../../theme";
import type { Beat } from "../beats";
import type { TrackModel } from "../model";
import { useTrack } from "../model";
import { spanOf, toMs, toX } from "../view";
import { addBeat, chooseBeat, chosenBeat, moveBeat, removeBeat, stepBeat, toggleDownbeat } from "./beat-acts";
import type { Editing } from "./editing";
import { editingOf } from "./editing";
import "./edit.css";

/** Farther out than this, beats run together and are not there to be touched. */
const FARTHEST_MS_PER_PX = 80;
const REACH_PX = { mouse: 6, touch: 18 };
const STILL_PX = 3;
const TWICE_MS = 400;
const GESTURE_MS = 700;
const STEP_MS = { plain: 10, fine: 1 };

export function BeatLayer() {
  const model = useTrack();
  const editing = editingOf(model);
  const layer = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  /** Where the chosen beat is being taken, in ms. */
  const going = useRef<{ from: number; to: number; timer: number } | null>(null);
  const knob = useRef<HTMLDivElement>(null);
  /** The press before, in case that this one makes it a double one. */
  const before = useRef({ at: -Infinity, x: 0 });

  useEffect(() => drawing(model, editing, canvas.current!), [model, editing]);

  // The layer itself lets the pointer through, so that its lane seeks and selects as the others do; on a beat it comes first.
  const handler = useRef((_: PointerEvent): void => undefined);
  useEffect(() => {
    const lane = layer.current!.parentElement!;
    const ended = new AbortController();
    lane.addEventListener("pointerdown", (event) => handler.current(event), { capture: true, signal: ended.signal });
    return () => ended.abort();
  }, []);

  const beat = chosenBeat(editing);
  const { view } = model;
  const chosenMs = editing.beats.chosenMs.value;
  const x = chosenMs === null ? -100 : toX(view.value, beat?.timeMs ?? chosenMs);
  const isSeen = x >= -12 && x <= view.value.widthPx + 12;

  const drag = (from: number, to: number): void => {
    going.current = { from, to, timer: 0 };
    knob.current?.style.setProperty("--by", `${(to - from) / view.peek().msPerPx}px`);
  };
  const drop = (): void => {
    clearTimeout(going.current?.timer);
    going.current = null;
    knob.current?.style.setProperty("--by", "0px");
  };

  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0 || view.peek().msPerPx > FARTHEST_MS_PER_PX) return;
    const box = layer.current!;
    const left = box.getBoundingClientRect().left;
    const isTouch = event.pointerType === "touch";
    const hit = beatAt(model, event.clientX - left, isTouch ? REACH_PX.touch : REACH_PX.mouse);
    // The timeline captures the pointer, and so takes the browser's own double clicks.
    const isTwice = event.timeStamp - before.current.at < TWICE_MS && Math.abs(event.clientX - before.current.x) < 2 * STILL_PX;
    before.current = { at: event.timeStamp, x: event.clientX };
    if (!hit) {
      if (!isTwice) return;
      event.stopPropagation();
      addBeat(editing, toMs(view.peek(), event.clientX - left), "click");
      return;
    }
    event.stopPropagation();
    const was = editing.beats.chosenMs.peek();
    chooseBeat(editing, hit.timeMs);
    knob.current?.focus({ preventScroll: true });
    event.preventDefault();
    if (isTouch && was !== hit.timeMs) return;
    box.setPointerCapture(event.pointerId);
    const from = event.clientX;
    let far = false;
    const onMove = (move: PointerEvent): void => {
      far ||= Math.abs(move.clientX - from) >= STILL_PX;
      if (far) drag(hit.timeMs, hit.timeMs + (move.clientX - from) * view.peek().msPerPx);
    };
    const onEnd = (up: Event): void => {
      box.removeEventListener("pointermove", onMove);
      for (const name of ["pointerup", "pointercancel"]) box.removeEventListener(name, onEnd);
      const to = going.current?.to;
      drop();
      if (far && up.type === "pointerup" && to !== undefined) moveBeat(editing, hit.timeMs, to, "drag");
    };
    box.addEventListener("pointermove", onMove);
    for (const name of ["pointerup", "pointercancel"]) box.addEventListener(name, onEnd);
  };

  handler.current = onPointerDown;

  const settle = (): void => {
    const at = going.current;
    drop();
    if (at) moveBeat(editing, at.from, at.to, "keyboard");
  };
  const nudge = (byMs: number): void => {
    const from = going.current?.from ?? beat?.timeMs;
    if (from === undefined) return;
    const to = (going.current?.to ?? from) + byMs;
    clearTimeout(going.current?.timer);
    drag(from, to);
    going.current!.timer = setTimeout(settle, GESTURE_MS) as unknown as number;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey) return;
    const way = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (way && event.altKey) nudge(way * (event.shiftKey ? STEP_MS.fine : STEP_MS.plain));
    else if (way) (settle(), stepBeat(editing, way));
    else if ((event.key === "Delete" || event.key === "Backspace") && beat) removeBeat(editing, beat.timeMs, "keyboard");
    else if (event.key === "d") toggleDownbeat(editing, "keyboard");
    else if (event.key === "Escape" && going.current) drop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="beat-layer" ref={layer} role="group" aria-label="Beats">
      <canvas ref={canvas} aria-hidden="true" />
      <div
        class={`beat-knob ${chosenMs !== null && isSeen ? "" : "away"}`}
        ref={knob}
        style={{ left: `${isSeen ? x : 12}px` }}
        role="slider"
        tabIndex={0}
        aria-label="Beat to correct"
        aria-valuemin={0}
        aria-valuemax={Math.max(Math.round(model.durationMs.value), 1)}
        aria-valuenow={Math.round(beat?.timeMs ?? chosenMs ?? 0)}
        aria-valuetext={beat ? beatName(beat) : "No beat is chosen: arrows choose one"}
        onBlur={settle}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

export const ORIGINS = { machine: "the machine’s", corrected: "corrected by you", inferred: "follows from your corrections" } as const;

export function beatName(beat: Beat): string {
  const place = beat.bar === null || beat.position === null ? "Beat" : `Beat ${beat.position} of bar ${beat.bar}`;
  return `${place}, ${time(beat.timeMs, 3)}, ${ORIGINS[beat.origin]}`;
}

function beatAt(model: TrackModel, x: number, reachPx: number): Beat | undefined {
  const view = model.view.peek();
  if (view.msPerPx > FARTHEST_MS_PER_PX) return undefined;
  const [at, reach] = [toMs(view, x), reachPx * view.msPerPx];
  const near = model.beats.within({ fromMs: at - reach, toMs: at + reach });
  return near.reduce<Beat | undefined>((one, other) => (!one || Math.abs(other.timeMs - at) < Math.abs(one.timeMs - at) ? other : one), undefined);
}

/** Draws whenever what it shows has changed, once a picture at most. What it gives ends it. */
function drawing(model: TrackModel, editing: Editing, canvas: HTMLCanvasElement): () => void {
  let frame = 0;
  let stop = (): void => undefined;
  const paint = (): void => {
    frame = 0;
    stop();
    let first = true;
    stop = effect(() => {
      if (first) draw(model, editing, canvas);
      else {
        void [model.view.value, model.beats.revision.value, model.beats.corrected.value, editing.beats.marks.value, editing.taps.value, theme.value];
        frame ||= requestAnimationFrame(paint);
      }
      first = false;
    });
  };
  paint();
  return () => {
    stop();
    cancelAnimationFrame(frame);
  };
}

const HEIGHT_PX = 36;

function draw(model: TrackModel, editing: Editing, canvas: HTMLCanvasElement): void {
  const [view, scale] = [model.view.value, devicePixelRatio];
  void [model.beats.revision.value, theme.value];
  const corrected = model.beats.corrected.value;
  const height = canvas.clientHeight || HEIGHT_PX;
  const [wide, tall] = [Math.round(view.widthPx * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== tall) [canvas.width, canvas.height] = [wide, tall];
  const context = canvas.getContext("2d")!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, view.widthPx, height);
  const own = colour("--corrected");
  context.strokeStyle = context.fillStyle = own;
  if (corrected && view.msPerPx <= FARTHEST_MS_PER_PX) {
    for (const beat of model.beats.within(spanOf(view))) {
      if (beat.origin !== "machine") origin(context, toX(view, beat.timeMs), beat.origin, height);
    }
  }
  // What was said and is not decoded yet.
  context.lineWidth = 2;
  for (const mark of editing.beats.marks.value) {
    const x = toX(view, mark.timeMs);
    context.setLineDash(mark.kind === "no_beat" || mark.kind === "not_downbeat" ? [3, 3] : []);
    line(context, x, 0, height);
  }
  context.setLineDash([]);
  context.strokeStyle = colour("--playhead");
  for (const tap of editing.taps.value ?? []) line(context, toX(view, tap), height * 0.4, height);
}

/** Corrected beats carry a disc, those that follow a ring: told apart without colour. */
function origin(context: CanvasRenderingContext2D, x: number, kind: "corrected" | "inferred", height: number): void {
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, height - 4.5, kind === "corrected" ? 3.5 : 2.5, 0, 2 * Math.PI);
  if (kind === "corrected") context.fill();
  else context.stroke();
}

function line(context: CanvasRenderingContext2D, x: number, from: number, to: number): void {
  context.beginPath();
  context.moveTo(x, from);
  context.lineTo(x, to);
  context.stroke();
}
