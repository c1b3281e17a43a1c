/** The whole track as one waveform: where the lanes' part lies in it, to be dragged and zoomed. */

import { computed, effect } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { theme } from "../theme";
import { ink } from "./lanes/ink";
import { groundOfSection } from "./lanes/spans";
import { useTrack } from "./model";
import type { TrackModel } from "./model";
import { OverviewWindow } from "./overview-window";
import { Playhead } from "./playback/playhead";
import { toX, whole } from "./view";
import type { View } from "./view";
import "./overview.css";

const HEIGHT_PX = 76;
/** The foot, where sections are. */
const SECTIONS_PX = 8;

export function Overview() {
  const model = useTrack();
  const view = useMemo(() => computed(() => whole(model.durationMs.value, model.view.value.widthPx)), [model]);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => paint(model, view, canvas.current!), [model, view]);
  return (
    <section class="overview" aria-label="Overview" style={{ height: `${HEIGHT_PX}px` }}>
      <canvas ref={canvas} role="img" aria-label="Waveform of the whole track" />
      <OverviewWindow view={view} />
      <Playhead view={view} />
    </section>
  );
}

/** Draws when frames, sections, width or theme change; not when the lanes' part moves. */
function paint(model: TrackModel, view: ReadonlySignal<View>, canvas: HTMLCanvasElement): () => void {
  // The same width and length are the same picture, however often the view changes.
  const size = computed(() => `${view.value.widthPx} ${view.value.msPerPx}`);
  let frame = 0;
  const stop = effect(() => {
    void theme.value;
    void size.value;
    void model.blocks.revision.value;
    void model.source.value;
    void model.sections.value;
    void model.concealed.value;
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw(model, view.peek(), canvas);
    });
  });
  return () => (stop(), cancelAnimationFrame(frame));
}

/** What each canvas shows, so that the same is not drawn twice. */
const drawn = new WeakMap<HTMLCanvasElement, string>();

function draw(model: TrackModel, view: View, canvas: HTMLCanvasElement): void {
  const [width, height] = [Math.round(view.widthPx * devicePixelRatio), Math.round(HEIGHT_PX * devicePixelRatio)];
  if (width <= 0) return;
  const tops = peaks(model, view);
  // How many pixels of it are there: for whoever waits for the whole.
  const hidden = model.concealed.peek();
  const sections = hidden.has("sections") ? [] : model.sections.peek();
  const grounds = sections.map((section) => groundOfSection(section, hidden));
  const spans = sections.map((section, at) => `${section.time_ms}+${section.duration_ms ?? 0} ${grounds[at]}`);
  const key = [width, theme.peek(), model.durationMs.peek(), hidden.has("waveform"), tops.sum, ...spans].join(" ");
  canvas.dataset["drawn"] = String(tops.known / Math.max(tops.values.length, 1));
  if (drawn.get(canvas) === key) return;
  drawn.set(canvas, key);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d")!;
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, view.widthPx, HEIGHT_PX);
  const foot = sections.length > 0 ? SECTIONS_PX : 0;
  // Behind the wave, and full at the foot.
  for (const [at, section] of sections.entries()) {
    const [x, wide] = [toX(view, section.time_ms), Math.max((section.duration_ms ?? 0) / view.msPerPx - 1, 1)];
    context.fillStyle = grounds[at]!;
    context.globalAlpha = 0.4;
    context.fillRect(x, 0, wide, HEIGHT_PX - foot);
    context.globalAlpha = 1;
    context.fillRect(x, HEIGHT_PX - foot, wide, foot);
  }
  if (hidden.has("waveform")) return;
  const middle = (HEIGHT_PX - foot) / 2;
  context.fillStyle = ink("--wave");
  context.beginPath();
  tops.values.forEach((value, x) => {
    const tall = Math.max(value * (middle - 2), value >= 0 ? 0.5 : 0);
    if (tall > 0) context.rect(x, middle - tall, 1, 2 * tall);
  });
  context.fill();
}

interface Peaks {
  /** The loudest of each pixel, 0 to 1; −1 where it is not known. */
  readonly values: Float32Array;
  readonly known: number;
  readonly sum: number;
}

/** From the coarsest level that has a frame a pixel; it is fetched as a whole, a few chunks. */
function peaks(model: TrackModel, view: View): Peaks {
  const values = new Float32Array(Math.ceil(view.widthPx)).fill(-1);
  const source = model.source.peek();
  if (!source?.layout.fields.some((field) => field.name === "peak")) return { values, known: 0, sum: 0 };
  const durationMs = model.durationMs.peek();
  const level = source.levels.findLast((one) => durationMs / one.hopMs >= view.widthPx) ?? source.levels[0]!;
  const last = Math.ceil(source.frameCount(level.level) / source.chunkFrames) - 1;
  model.blocks.want("overview", [{ level: level.level, first: 0, last }]);
  for (let index = 0; index <= last; index += 1) {
    const block = model.blocks.get(level.level, index);
    block?.values("peak").forEach((db, t) => {
      const at = (block.frames.startFrame + t) * level.hopMs;
      const [from, to] = [Math.floor(toX(view, at)), Math.ceil(toX(view, at + level.hopMs))];
      const value = Math.min(10 ** (db / 20), 1);
      for (let x = Math.max(from, 0); x < Math.min(to, values.length); x += 1) if (value > values[x]!) values[x] = value;
    });
  }
  return { values, known: values.filter((value) => value >= 0).length, sum: values.reduce((sum, value) => sum + value, 0) };
}
