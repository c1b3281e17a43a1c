/** The lanes, one above the other, on one axis of time; with the pointer and the wheel on it. */

import { computed, effect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { showsBars } from "./edit/beat-acts";
import { BeatLayer } from "./edit/beat-layer";
import { EditLanes } from "./edit/lanes";
import { ExerciseLane } from "./exercise/lane";
import { wantedFor } from "./frames/visible";
import { listen } from "./gestures";
import { BeatsLane } from "./lanes/beats";
import { lanesOf, shown } from "./lanes/choice";
import { Ruler } from "./lanes/ruler";
import { useTrack } from "./model";
import type { TrackModel } from "./model";
import { Playhead } from "./playback/playhead";
import { followPlayback } from "./follow";
import { ReadoutLine } from "./readout";
import { hover } from "./readout-at";
import { TimelineTools } from "./tools";
import { resize, spanOf, toX } from "./view";
import "./timeline.css";

export function Timeline() {
  const model = useTrack();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const measure = new ResizeObserver(([entry]) => {
      model.view.value = resize(model.view.peek(), Math.floor(entry!.contentRect.width), model.durationMs.peek());
    });
    measure.observe(box.current!);
    const stops = [() => measure.disconnect(), listen(box.current!, model), hover(box.current!, model), fetchVisible(model), followPlayback(model)];
    return () => stops.forEach((stop) => stop());
  }, [model]);
  const lanes = lanesOf(model).filter((lane) => !lane.why && shown.value.has(lane.id));
  const isShown = (id: string): boolean => lanes.some((lane) => lane.id === id);
  return (
    <section class="timeline-part" aria-label="Timeline">
      <TimelineTools />
      <div class="timeline" ref={box}>
        <Ruler />
        {lanes.filter((lane) => lane.above).map((lane) => <lane.Lane key={lane.id} />)}
        <div class="beat-lane" hidden={!isShown("beats")}>
          {isShown("beats") && <BeatsLane />}
          {isShown("beats") && showsBars(model) && <BeatLayer />}
        </div>
        {lanes.filter((lane) => !lane.above && lane.id !== "beats").map((lane) => <lane.Lane key={lane.id} />)}
        <EditLanes />
        <ExerciseLane />
        <Selected />
        <ReadoutLine />
        <Playhead view={model.view} />
      </div>
    </section>
  );
}

/** What is looked at is fetched; a view that is only passed through is not. */
const SETTLE_MS = 60;

function fetchVisible(model: TrackModel): () => void {
  let timer = 0;
  const ask = (): void => {
    timer = 0;
    const source = model.source.peek();
    if (source) model.blocks.want("view", wantedFor(source, model.view.peek()));
  };
  const stop = effect(() => {
    void model.source.value;
    void model.view.value;
    timer ||= window.setTimeout(ask, SETTLE_MS);
  });
  return () => (stop(), clearTimeout(timer));
}

/** The selection, over all lanes. */
function Selected() {
  const model = useTrack();
  const place = useMemo(
    () =>
      computed(() => {
        const [span, view] = [model.selection.value, model.view.value];
        if (!span || view.widthPx <= 0) return null;
        const seen = spanOf(view);
        if (span.toMs < seen.fromMs || span.fromMs > seen.toMs) return null;
        const [from, to] = [Math.max(toX(view, span.fromMs), -2), Math.min(toX(view, span.toMs), view.widthPx + 2)];
        return { left: `${from}px`, width: `${Math.max(to - from, 1)}px` };
      }),
    [model],
  );
  return place.value && <div class="selected" style={place.value} />;
}
