/**
 * Pointer and wheel on the lanes. Mouse: a click seeks, a drag selects, with Shift or the middle button it moves. Touch: a tap seeks, a drag
 * sideways moves (on the ruler it selects), two fingers zoom. The wheel scrolls the page as ever; sideways or with Shift it moves, with
 * Ctrl or ⌘ (and so by pinching on a trackpad) it zooms at the pointer.
 */

import type { TrackModel } from "./model";
import { look, panBy, zoomBy } from "./move";
import { pan, toMs, zoomAt } from "./view";
import type { View } from "./view";

/** A press that moves less is a click. */
const CLICK_PX = 4;
/** Wheel travel that doubles the scale. */
const WHEEL_PX = 260;

interface Press {
  readonly startX: number;
  /** What was under the pointer: it stays where it is when the view moves on by itself. */
  readonly startMs: number;
  readonly view: View;
  readonly does: "select" | "move";
  moved: boolean;
}

/** Listens on the timeline until the answer is called. */
export function listen(box: HTMLElement, model: TrackModel): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const pointers = new Map<number, number>();
  let press: Press | null = null;
  let pinch: { readonly distance: number; readonly middle: number; readonly view: View } | null = null;
  const xOf = (event: MouseEvent): number => event.clientX - box.getBoundingClientRect().left;

  const down = (event: PointerEvent): void => {
    if (event.defaultPrevented || !isOurs(event) || event.button > 1) return;
    pointers.set(event.pointerId, xOf(event));
    box.setPointerCapture(event.pointerId);
    if (pointers.size === 2) {
      const [a, b] = [...pointers.values()] as [number, number];
      [press, pinch] = [null, { distance: Math.max(Math.abs(a - b), 20), middle: (a + b) / 2, view: model.view.peek() }];
      return;
    }
    const onRuler = (event.target as Element).closest("[data-kind=ruler]") !== null;
    const moves = event.pointerType === "touch" ? !onRuler : event.button === 1 || event.shiftKey;
    const [startX, view] = [xOf(event), model.view.peek()];
    press = { startX, startMs: toMs(view, startX), view, does: moves ? "move" : "select", moved: false };
    if (event.button === 1) event.preventDefault();
  };

  const move = (event: PointerEvent): void => {
    if (!pointers.has(event.pointerId)) return;
    pointers.set(event.pointerId, xOf(event));
    if (pinch && pointers.size === 2) {
      const [a, b] = [...pointers.values()] as [number, number];
      const moved = pan(pinch.view, pinch.middle - (a + b) / 2, model.durationMs.peek());
      return look(model, zoomAt(moved, (a + b) / 2, pinch.distance / Math.max(Math.abs(a - b), 20), model.durationMs.peek()));
    }
    if (!press) return;
    const x = xOf(event);
    press.moved ||= Math.abs(x - press.startX) >= CLICK_PX;
    if (!press.moved) return;
    if (press.does === "move") look(model, pan(press.view, press.startX - x, model.durationMs.peek()));
    else select(model, press.startMs, toMs(model.view.peek(), x));
  };

  const up = (event: PointerEvent): void => {
    if (!pointers.delete(event.pointerId)) return;
    if (press && !press.moved && event.type === "pointerup") click(model, toMs(model.view.peek(), press.startX));
    press = null;
    if (pointers.size < 2) pinch = null;
  };

  const wheel = (event: WheelEvent): void => {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
    if (event.ctrlKey || event.metaKey) zoomBy(model, xOf(event), 2 ** ((event.deltaY * unit) / WHEEL_PX));
    else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) panBy(model, sideways * unit);
    else return;
    event.preventDefault();
  };

  box.addEventListener("pointerdown", down, { signal });
  box.addEventListener("pointermove", move, { signal });
  for (const type of ["pointerup", "pointercancel"] as const) box.addEventListener(type, up, { signal });
  box.addEventListener("wheel", wheel, { signal, passive: false });
  return () => ended.abort();
}

/** Whether the press is on a picture, not on what other parts put over it. */
const isOurs = (event: Event): boolean => event.target instanceof HTMLCanvasElement && event.target.closest("[data-kind]") !== null;

function click(model: TrackModel, ms: number): void {
  const span = model.selection.peek();
  if (span && (ms < span.fromMs || ms >= span.toMs)) model.selection.value = null;
  model.player.seek(Math.min(Math.max(ms, 0), model.durationMs.peek()));
}

function select(model: TrackModel, startMs: number, endMs: number): void {
  const times = [startMs, endMs].map((ms) => Math.round(Math.min(Math.max(ms, 0), model.durationMs.peek())));
  const [fromMs, toEnd] = [Math.min(...times), Math.max(...times)];
  model.selection.value = toEnd > fromMs ? { fromMs, toMs: toEnd } : null;
}
