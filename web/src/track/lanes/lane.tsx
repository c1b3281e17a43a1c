/** A strip of the timeline that draws itself on a canvas, whenever what it read has changed, once a picture at most. */

import { effect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { theme } from "../../theme";
import { useTrack } from "../model";
import type { TrackModel } from "../model";
import type { View } from "../view";
import "./lanes.css";

/** A mark of the axis at the left edge. */
export interface AxisMark {
  /** Place from the top, 0 to 1. */
  readonly at: number;
  readonly text: string;
}

export interface LaneProps {
  /** What it shows, as a word at its left edge and for screen readers. */
  readonly label: string;
  /** In CSS pixels. */
  readonly height: number;
  /** Draws into a canvas whose units are CSS pixels. Signals that it reads make it draw again when they change. */
  readonly draw: (context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel) => void;
  /** A sentence for screen readers in place of the picture. */
  readonly said?: string | undefined;
  /** Of the marks, under the label. */
  readonly unit?: string | undefined;
  /** Marks at the left edge. */
  readonly axis?: readonly AxisMark[] | undefined;
  /** For styles, and for what the pointer does on it. */
  readonly kind?: string | undefined;
  /** Over the picture. */
  readonly children?: ComponentChildren;
}

export function Lane({ label, height, draw, said, unit, axis, kind, children }: LaneProps) {
  const model = useTrack();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let frame = 0;
    let stop = (): void => undefined;
    // The effect draws, and so notes which signals the drawing reads; a change of one asks for a picture, in which it runs again.
    const paint = (): void => {
      frame = 0;
      stop();
      let first = true;
      stop = effect(() => {
        void theme.value;
        const at = canvas.current;
        if (!first) frame ||= requestAnimationFrame(paint);
        else if (at) drawOn(at, model, height, draw);
        first = false;
      });
    };
    paint();
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [model, height, draw]);
  return (
    <div class={"lane"} data-kind={kind} style={{ height: `${height}px` }}>
      <span class="lane-label">
        {label}
        {unit && <small> {unit}</small>}
      </span>
      {axis?.map((mark) => (
        <span key={mark.text} class="lane-mark" aria-hidden="true" style={{ top: `${mark.at * 100}%` }}>
          {mark.text}
        </span>
      ))}
      <canvas ref={canvas} role="img" aria-label={said ? `${label}: ${said}` : label} />
      {children}
    </div>
  );
}

function drawOn(canvas: HTMLCanvasElement, model: TrackModel, height: number, draw: LaneProps["draw"]): void {
  const view = model.view.value;
  const scale = devicePixelRatio;
  const [width, tall] = [Math.round(view.widthPx * scale), Math.round(height * scale)];
  if (canvas.width !== width || canvas.height !== tall) [canvas.width, canvas.height] = [width, tall];
  const context = canvas.getContext("2d")!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, view.widthPx, height);
  if (view.widthPx > 0) draw(context, view, height, model);
}
