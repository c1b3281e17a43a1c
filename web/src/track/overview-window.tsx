/** The frame around what the lanes show: drag it, drag its ends, press beside it, or use the arrow keys on each. */

import type { ReadonlySignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { time } from "../format";
import { useTrack } from "./model";
import type { TrackModel } from "./model";
import { centre, look } from "./move";
import { clamp, MIN_MS_PER_PX, pan, spanOf, toMs, toX } from "./view";
import type { View } from "./view";

type Part = "window" | "start" | "end";

/** A press that moves less is a click. */
const CLICK_PX = 4;
/** It stays to be seen at ten hours. */
const LEAST_PX = 6;

export function OverviewWindow({ view }: { readonly view: ReadonlySignal<View> }) {
  const model = useTrack();
  const box = useRef<HTMLDivElement>(null);
  const press = useRef<{ part: Part | "beside"; startX: number; lanes: View; moved: boolean } | null>(null);
  const whole = view.value;
  const span = spanOf(model.view.value);
  const durationMs = model.durationMs.value;
  const [from, to] = [toX(whole, span.fromMs), Math.min(toX(whole, span.toMs), whole.widthPx)];
  const left = Math.max(Math.min(from, whole.widthPx - LEAST_PX), 0);
  const width = Math.max(to - from, LEAST_PX);
  const xOf = (event: PointerEvent): number => event.clientX - box.current!.getBoundingClientRect().left;

  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const part = (event.target as HTMLElement).closest<HTMLElement>("[data-part]")?.dataset["part"] as Part | undefined;
    const x = xOf(event);
    if (!part) centre(model, toMs(view.peek(), x));
    press.current = { part: part ?? "beside", startX: x, lanes: model.view.peek(), moved: false };
    box.current!.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    const at = press.current;
    if (!at) return;
    const px = xOf(event) - at.startX;
    at.moved ||= Math.abs(px) >= CLICK_PX;
    if (at.moved) drag(model, at.part === "beside" ? "window" : at.part, at.lanes, px * view.peek().msPerPx);
  };
  const up = (event: PointerEvent): void => {
    const at = press.current;
    press.current = null;
    if (at && !at.moved && event.type === "pointerup") model.player.seek(Math.min(Math.max(toMs(view.peek(), xOf(event)), 0), durationMs));
  };
  const keys = (part: Part) => (event: KeyboardEvent): void => {
    const lanes = model.view.peek();
    const step = lanes.widthPx * lanes.msPerPx * (event.shiftKey ? 0.5 : 0.1);
    const moves: Record<string, number> = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageUp: step * 5, PageDown: -step * 5, Home: -durationMs, End: durationMs };
    const ms = moves[event.key];
    if (ms === undefined) return;
    event.preventDefault();
    drag(model, part, lanes, ms);
  };
  const slider = (part: Part, label: string, now: number, text: string) => ({
    role: "slider", tabIndex: 0, "data-part": part, "aria-label": label, "aria-valuemin": 0, "aria-valuemax": Math.round(durationMs), "aria-valuenow": Math.round(now), "aria-valuetext": text, onKeyDown: keys(part),
  }) as const;

  return (
    <div class="overview-box" ref={box} onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up}>
      <div class="shade" style={{ left: 0, width: `${left}px` }} />
      <div class="shade" style={{ left: `${left + width}px`, right: 0 }} />
      <div class="window" style={{ left: `${left}px`, width: `${width}px` }} {...slider("window", "Visible part", span.fromMs, `${time(span.fromMs, 1)} to ${time(Math.min(span.toMs, durationMs), 1)}`)} />
      <div class="handle start" style={{ left: `${left}px` }} {...slider("start", "Start of the visible part", span.fromMs, time(span.fromMs, 1))} />
      <div class="handle end" style={{ left: `${left + width}px` }} {...slider("end", "End of the visible part", Math.min(span.toMs, durationMs), time(Math.min(span.toMs, durationMs), 1))} />
    </div>
  );
}

/** Moves the window or one of its ends by some time, from where it was at first. */
function drag(model: TrackModel, part: Part, lanes: View, ms: number): void {
  const durationMs = model.durationMs.peek();
  if (part === "window") return look(model, pan(lanes, ms / lanes.msPerPx, durationMs));
  const { fromMs, toMs: endMs } = spanOf(lanes);
  const least = MIN_MS_PER_PX * lanes.widthPx;
  const start = part === "start" ? Math.min(Math.max(fromMs + ms, 0), endMs - least) : fromMs;
  const end = part === "end" ? Math.max(Math.min(endMs + ms, durationMs), fromMs + least) : endMs;
  look(model, clamp({ ...lanes, fromMs: start, msPerPx: (end - start) / Math.max(lanes.widthPx, 1) }, durationMs));
}
