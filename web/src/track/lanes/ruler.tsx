/** Time, in steps that read well. */

import { time } from "../../format";
import { spanOf, toX } from "../view";
import type { View } from "../view";
import { ink } from "./ink";
import { Lane } from "./lane";

export const RULER_PX = 26;

const STEPS_MS = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5];
/** Room for one label. */
const LABEL_PX = 84;

export function Ruler() {
  return <Lane label="Time" kind="ruler" height={RULER_PX} draw={drawRuler} said="minutes and seconds" />;
}

/** The distance of labels, and of the smaller marks between them. */
export function stepsOf(view: View): { readonly labelMs: number; readonly markMs: number } {
  const labelMs = STEPS_MS.find((step) => step / view.msPerPx >= LABEL_PX) ?? STEPS_MS.at(-1)!;
  const markMs = STEPS_MS.find((step) => step / view.msPerPx >= 8 && labelMs % step === 0) ?? labelMs;
  return { labelMs, markMs };
}

function drawRuler(context: CanvasRenderingContext2D, view: View, height: number): void {
  const { labelMs, markMs } = stepsOf(view);
  const { fromMs, toMs } = spanOf(view);
  const digits = labelMs < 20 ? 2 : labelMs < 100 ? 2 : labelMs < 1000 ? 1 : 0;
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = ink("--text-2");
  for (let at = Math.floor(fromMs / markMs); at * markMs < toMs; at += 1) {
    const x = Math.round(toX(view, at * markMs));
    const isLabel = (at * markMs) % labelMs === 0;
    context.fillRect(x, isLabel ? 4 : height - 6, 1, height);
    // The last label is not cut off: it is left out.
    if (isLabel && x + LABEL_PX / 2 < view.widthPx) context.fillText(time(at * markMs, digits), x + 5, height / 2 - 1);
  }
}
