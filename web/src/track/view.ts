/** Which part of a track is seen: pure arithmetic between time and pixels. */

/** A stretch of time, in ms; `toMs` does not belong to it. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the lanes show: from a time on, so many ms a CSS pixel, so many pixels wide. */
export interface View {
  readonly fromMs: number;
  readonly msPerPx: number;
  readonly widthPx: number;
}

/** Closest look: 0.5 ms a pixel, twenty pixels a frame of 10 ms. */
export const MIN_MS_PER_PX = 0.5;

export const toX = (view: View, ms: number): number => (ms - view.fromMs) / view.msPerPx;
export const toMs = (view: View, x: number): number => view.fromMs + x * view.msPerPx;
export const spanOf = (view: View): Span => ({ fromMs: view.fromMs, toMs: toMs(view, view.widthPx) });

/** The whole track. */
export const whole = (durationMs: number, widthPx: number): View => ({ fromMs: 0, msPerPx: Math.max(durationMs / Math.max(widthPx, 1), MIN_MS_PER_PX), widthPx });

/** Keeps a view within the track and its scale within what can be drawn. */
export function clamp(view: View, durationMs: number): View {
  const most = Math.max(durationMs / Math.max(view.widthPx, 1), MIN_MS_PER_PX);
  const msPerPx = Math.min(Math.max(view.msPerPx, MIN_MS_PER_PX), most);
  const last = Math.max(durationMs - msPerPx * view.widthPx, 0);
  return { ...view, msPerPx, fromMs: Math.min(Math.max(view.fromMs, 0), last) };
}

/** Another scale, with the time at `x` staying where it is. `factor` below 1 looks closer. */
export function zoomAt(view: View, x: number, factor: number, durationMs: number): View {
  const msPerPx = clamp({ ...view, msPerPx: view.msPerPx * factor }, durationMs).msPerPx;
  return clamp({ ...view, msPerPx, fromMs: toMs(view, x) - x * msPerPx }, durationMs);
}

export const pan = (view: View, px: number, durationMs: number): View => clamp({ ...view, fromMs: view.fromMs + px * view.msPerPx }, durationMs);

/** Shows a span, with a little room on either side. */
export function show(view: View, span: Span, durationMs: number): View {
  const room = (span.toMs - span.fromMs) * 0.05;
  return clamp({ ...view, fromMs: span.fromMs - room, msPerPx: (span.toMs - span.fromMs + 2 * room) / Math.max(view.widthPx, 1) }, durationMs);
}

/** Moves a view so that it holds a time; unchanged where it does. `at` is the place it gets then, 0 left to 1 right. */
export function hold(view: View, ms: number, at: number, durationMs: number): View {
  const x = toX(view, ms);
  return x >= 0 && x < view.widthPx ? view : clamp({ ...view, fromMs: ms - at * view.widthPx * view.msPerPx }, durationMs);
}

/** The view when the page has another width: the same time at the left edge, the same scale, or the whole where it was the whole. */
export function resize(view: View, widthPx: number, durationMs: number): View {
  const wasWhole = view.widthPx === 0 || view.msPerPx * view.widthPx >= durationMs;
  return wasWhole ? whole(durationMs, widthPx) : clamp({ ...view, widthPx }, durationMs);
}
