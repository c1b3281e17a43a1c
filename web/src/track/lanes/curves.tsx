/** Values of frames over time, as a curve: loudness and onset strength. */

import { piecesOf } from "../frames/visible";
import type { TrackModel } from "../model";
import { toX } from "../view";
import type { View } from "../view";
import { ink } from "./ink";
import { Lane } from "./lane";

const LOUDNESS = { field: "loudness", low: -60, high: 0, colour: "--loudness" } as const;
const ONSETS = { field: "onset", low: 0, high: 1, colour: "--onset" } as const;

const LUFS_AXIS = [-15, -30, -45].map((lufs) => ({ at: -lufs / 60, text: `−${-lufs}` }));

export function Loudness() {
  return <Lane label="Loudness" kind="loudness" height={64} draw={drawLoudness} axis={LUFS_AXIS} unit="LUFS" said="loudness over time, in LUFS" />;
}

export function Onsets() {
  return <Lane label="Onsets" kind="onsets" height={40} draw={drawOnsets} said="how strongly notes begin, over time" />;
}

interface Curve {
  readonly field: string;
  readonly low: number;
  readonly high: number;
  readonly colour: `--${string}`;
}

const drawLoudness = (context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel): void => {
  grid(context, view, LUFS_AXIS.map((mark) => mark.at * height));
  area(context, view, height, model, LOUDNESS);
};
const drawOnsets = (context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel): void => area(context, view, height, model, ONSETS);

/** Faint lines across. */
export function grid(context: CanvasRenderingContext2D, view: View, at: readonly number[]): void {
  context.fillStyle = ink("--grid");
  for (const y of at) context.fillRect(0, Math.round(y), view.widthPx, 1);
}

/** Filled from the foot to the value: the largest of each pixel, or a step for each frame where they are wider. */
function area(context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel, { field, low, high, colour: name }: Curve): void {
  if (!model.source.value?.layout.fields.some((one) => one.name === field)) return;
  const tops = new Float32Array(Math.ceil(view.widthPx)).fill(-Infinity);
  for (const { block, fromMs, toMs } of piecesOf(model, view)) {
    const { startFrame, frameCount, hopMs } = block.frames;
    const values = block.values(field);
    const end = Math.min(Math.ceil(toMs / hopMs) - startFrame, frameCount);
    for (let t = Math.floor(fromMs / hopMs) - startFrame; t < end; t += 1) {
      const from = Math.max(Math.floor(toX(view, (startFrame + t) * hopMs)), 0);
      const to = Math.min(Math.max(Math.floor(toX(view, (startFrame + t + 1) * hopMs)), from + 1), tops.length);
      for (let x = from; x < to; x += 1) if (values[t]! > tops[x]!) tops[x] = values[t]!;
    }
  }
  context.fillStyle = ink(name);
  // Whole pixels, those of one height at once: what is cheapest to draw.
  const tall = (x: number): number => Math.round(height * Math.min(Math.max((tops[x]! - low) / (high - low), 0), 1));
  for (let x = 0; x < tops.length; ) {
    const [from, top] = [x, tall(x)];
    do x += 1;
    while (x < tops.length && tall(x) === top);
    if (top > 0) context.fillRect(from, height - top, x - from, top);
  }
}
