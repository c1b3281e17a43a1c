/** One track: what was heard in it over time, in sync with what is heard now. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Explained } from "../api";
import { explain } from "../api";
import { followLink } from "../route";
import { noticeEnd } from "../session";
import { EditPanel } from "./edit/panel";
import { ExercisePanel } from "./exercise/panel";
import { TrackContext, TrackModel } from "./model";
import { Overview } from "./overview";
import { Transport } from "./playback/transport";
import { Timeline } from "./timeline";

export function TrackPage({ trackId }: { readonly trackId: string }) {
  const model = useMemo(() => new TrackModel(trackId), [trackId]);
  const failure = useSignal<Explained | null>(null);
  useEffect(() => {
    model.load().catch((error: unknown) => {
      if (!model.signal.aborted && !noticeEnd(error)) failure.value = explain(error);
    });
    return () => model.dispose();
  }, [model]);
  if (failure.value) {
    return (
      <div role="alert">
        <h1>{failure.value.title}</h1>
        <p>{failure.value.detail}</p>
        <a href="/" onClick={followLink}>To the library</a>
      </div>
    );
  }
  return (
    <TrackContext.Provider value={model}>
      <h1>{model.track.value?.name ?? "…"}</h1>
      <Overview />
      <Transport />
      <Timeline />
      <div class="panels">
        <EditPanel />
        <ExercisePanel />
      </div>
    </TrackContext.Provider>
  );
}
