/** Where in the track it is heard, as a slider and in numbers. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { time } from "../../format";
import type { Beat } from "../beats";
import { useTrack } from "../model";
import type { TrackModel } from "../model";

/** The last beat before now lies this near, where there are beats at all. */
const BACK_MS = 4_000;

/** The bar and beat of a time, as `12.3`; null where none is near. */
function barAndBeat(model: TrackModel, ms: number): string | null {
  if (model.concealed.value.has("beats")) return null;
  const beats = model.beats.within({ fromMs: Math.max(0, ms - BACK_MS), toMs: ms + 1 });
  const beat = beats.findLast((one: Beat) => one.timeMs <= ms + 0.5);
  return beat && beat.bar !== null && beat.position !== null ? `${beat.bar}.${beat.position}` : null;
}

function said(model: TrackModel, ms: number): string {
  const place = barAndBeat(model, ms);
  return `${time(ms, 1)} of ${time(model.durationMs.peek())}${place ? `, bar ${place.replace(".", " beat ")}` : ""}`;
}

export function SeekBar() {
  const model = useTrack();
  const { player } = model;
  const slider = useRef<HTMLInputElement>(null);
  const loop = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    // Held here: the page is still told of what ends with it, when the refs are empty already.
    const [at, band] = [slider.current!, loop.current!];
    const stops = [
      effect(() => {
        const duration = Math.max(model.durationMs.value, 1);
        at.max = String(duration);
        at.valueAsNumber = player.timeMs.value;
        at.style.setProperty("--part", `${(player.timeMs.value / duration) * 100}%`);
      }),
      // Read out where a person has moved it or stopped; never with each tick.
      effect(() => {
        void [player.seeks.value, player.playing.value, model.durationMs.value];
        at.setAttribute("aria-valuetext", said(model, player.timeMs.peek()));
      }),
      effect(() => {
        const [span, duration] = [player.loop.value, Math.max(model.durationMs.value, 1)];
        band.hidden = span === null;
        if (!span) return;
        band.style.left = `${(span.fromMs / duration) * 100}%`;
        band.style.width = `${((span.toMs - span.fromMs) / duration) * 100}%`;
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [model, player]);
  const onKey = (event: KeyboardEvent): void => {
    const page = Math.max(model.durationMs.peek() / 20, 5_000);
    const steps: Record<string, number> = { ArrowLeft: -5_000, ArrowDown: -5_000, ArrowRight: 5_000, ArrowUp: 5_000, PageDown: -page, PageUp: page };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault();
    player.nudge(step);
  };
  return (
    <div class="seek">
      <span class="seek-loop" ref={loop} hidden />
      <input
        type="range"
        ref={slider}
        min="0"
        step="any"
        aria-label="Position"
        onKeyDown={onKey}
        onInput={(event) => player.seek(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}

/** `0:12.3 / 3:45` and the bar and beat. */
export function Readout() {
  const model = useTrack();
  const at = useRef<HTMLSpanElement>(null);
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const [now, where] = [at.current!, place.current!];
    return effect(() => {
      const ms = model.player.timeMs.value;
      write(now, time(ms, 1));
      const bar = barAndBeat(model, ms);
      write(where, bar ?? "");
      where.hidden = bar === null;
    });
  }, [model]);
  return (
    <div class="readout">
      <span>
        <span class="readout-now" ref={at} /> <span class="readout-all">/ {time(model.durationMs.value)}</span>
      </span>
      <span class="readout-bar" ref={place} title="Bar and beat" />
    </div>
  );
}

function write(at: HTMLElement, text: string): void {
  if (at.textContent !== text) at.textContent = text;
}
