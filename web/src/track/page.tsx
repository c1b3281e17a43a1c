/** One track: what was heard in it over time, in sync with what is heard now. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Explained } from "../api";
import { explain } from "../api";
import { followLink } from "../route";
import { noticeEnd } from "../session";
import { EditPanel } from "./edit/panel";
import { isStatus } from "./edit/things";
import { ExercisePanel } from "./exercise/panel";
import { Head } from "./head";
import { TrackContext, TrackModel } from "./model";
import { Overview } from "./overview";
import { Transport } from "./playback/transport";
import { AnalysisState } from "./state";
import { Timeline } from "./timeline";
import "./page.css";

const GONE: Explained = { title: "There is no track here", detail: "It was deleted, or is not yours." };

export function TrackPage({ trackId }: { readonly trackId: string }) {
  const model = useMemo(() => new TrackModel(trackId), [trackId]);
  const failure = useSignal<Explained | null>(null);
  useEffect(() => {
    const load = (): void => {
      failure.value = null;
      model.load().catch((error: unknown) => {
        if (!model.signal.aborted && !noticeEnd(error)) failure.value = isStatus(error, 404) ? GONE : explain(error);
      });
    };
    load();
    addEventListener("online", () => failure.peek() && load(), { signal: model.signal });
    return () => model.dispose();
  }, [model]);
  if (failure.value && !model.track.value) {
    return (
      <div class="track-failure" role="alert">
        <h1>{failure.value.title}</h1>
        <p>{failure.value.detail}</p>
        <p class="buttons">
          {failure.value !== GONE && <button class="primary" onClick={() => location.reload()}>Try again</button>}
          <a class={`button ${failure.value === GONE ? "primary" : ""}`} href="/" onClick={followLink}>To the library</a>
        </p>
      </div>
    );
  }
  return (
    <TrackContext.Provider value={model}>
      <Head />
      <AnalysisState />
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
