/** The lanes, one above the other, on one axis of time; with the pointer and the wheel on it. */

import { useEffect, useRef } from "preact/hooks";
import { BeatLayer } from "./edit/beat-layer";
import { EditLanes } from "./edit/lanes";
import { ExerciseLane } from "./exercise/lane";
import { useTrack } from "./model";
import { Playhead } from "./playback/playhead";
import { resize } from "./view";

export function Timeline() {
  const model = useTrack();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const measure = new ResizeObserver(([entry]) => {
      model.view.value = resize(model.view.peek(), Math.floor(entry!.contentRect.width), model.durationMs.peek());
    });
    measure.observe(box.current!);
    return () => measure.disconnect();
  }, [model]);
  return (
    <div class="timeline" ref={box}>
      <BeatLayer />
      <EditLanes />
      <ExerciseLane />
      <Playhead view={model.view} />
    </div>
  );
}
