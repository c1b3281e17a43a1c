/** One track: what was heard in it over time, in sync with what is heard now. */

import { useEffect, useMemo } from "preact/hooks";
import { explain, isOfSession } from "../api";
import type { Explained } from "../api";
import { followLink } from "../route";
import { useTitle } from "../ui/title";
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
  useTitle(model.track.value?.name);
  useEffect(() => {
    void model.load();
    return () => model.dispose();
  }, [model]);
  const error = model.failure.value;
  // Whoever is to sign in again first finds the page as it was.
  const isGone = isStatus(error, 404);
  const failure = error === null || model.track.value || isOfSession(error) ? null : isGone ? GONE : explain(error);
  if (failure) {
    return (
      <div class="track-failure" role="alert">
        <h1>{failure.title}</h1>
        <p>{failure.detail}</p>
        <p class="buttons">
          {!isGone && <button class="primary" onClick={() => location.reload()}>Try again</button>}
          <a class={`button ${isGone ? "primary" : ""}`} href="/" onClick={followLink}>To the library</a>
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
