/** How the analysis that is shown is: waiting, running, failed, or none yet; and what can be done about it. */

import type { Analysis } from "@arsis/client";
import { useSignal } from "@preact/signals";
import { explain, isOfSession } from "../api";
import { time } from "../format";
import { tellError } from "../notices";
import { useTrack } from "./model";
import type { TrackModel } from "./model";

export function AnalysisState() {
  const model = useTrack();
  const analysis = model.analysis.value;
  const failure = model.blocks.failure.value;
  const isTruncated = model.source.value?.truncated === true;
  return (
    <div class="analysis-state">
      <p class="hidden" role="status">{analysis ? PHASES[analysis.status] : ""}</p>
      {analysis ? <State model={model} analysis={analysis} /> : model.analyses.value ? <None model={model} /> : <Unread model={model} />}
      {isTruncated && (
        <div class="analysis-note">
          <p>
            <strong>The file is cut short.</strong> It ends before its header says it should: was it copied to its end? What is there was analysed.
          </p>
        </div>
      )}
      {failure !== null && (
        <div class="analysis-note error" role="alert">
          <p>
            <strong>The picture is not all there.</strong> {explain(failure).title}.
          </p>
          <button onClick={() => model.blocks.retry()}>Try again</button>
        </div>
      )}
    </div>
  );
}

/** What is read out when it changes: not every second of progress. */
const PHASES: Record<Analysis["status"], string> = { pending: "Waiting to be analysed", running: "Being analysed", completed: "Analysed", error: "" };

function State({ model, analysis }: { readonly model: TrackModel; readonly analysis: Analysis }) {
  if (analysis.status === "pending") return <Waiting analysis={analysis} />;
  if (analysis.status === "running") return <Running analysis={analysis} />;
  if (analysis.status === "error") return <Failed model={model} analysis={analysis} />;
  return null;
}

function Waiting({ analysis }: { readonly analysis: Analysis }) {
  const later = analysis.run_at && Date.parse(analysis.run_at) > Date.now() + 1_000;
  return (
    <div class="analysis-note">
      <progress aria-label="Waiting" />
      <p>
        <strong>Waiting to be analysed.</strong> {later ? `It is tried at ${new Date(analysis.run_at!).toLocaleTimeString()}.` : "It begins when it is its turn."} You can listen meanwhile.
      </p>
    </div>
  );
}

function Running({ analysis }: { readonly analysis: Analysis }) {
  const { fraction, done_ms, total_ms, remaining_ms } = analysis.progress;
  return (
    <div class="analysis-note">
      <progress aria-label="Analysed so far" max={1} {...(fraction != null && { value: fraction })} />
      <p>
        <strong>Being analysed.</strong> {done_ms != null && `${time(done_ms)}${total_ms ? ` of ${time(total_ms)}` : ""}`}
        {remaining_ms != null && remaining_ms > 1_000 && `, about ${remaining_ms < 90_000 ? `${Math.round(remaining_ms / 1000)} s` : `${Math.round(remaining_ms / 60_000)} min`} to go`}
      </p>
    </div>
  );
}

function Failed({ model, analysis }: { readonly model: TrackModel; readonly analysis: Analysis }) {
  const cancelled = analysis.error_kind === "cancelled";
  return (
    <div class="analysis-note error" role="alert">
      <p>
        <strong>{cancelled ? "The analysis was cancelled." : "The analysis failed."}</strong> {!cancelled && analysis.error_message}
      </p>
      <Act label="Try again" run={() => model.retry(analysis)} what="The analysis could not be tried again" />
    </div>
  );
}

/** The track is there, and what analyses it has is not known. */
function Unread({ model }: { readonly model: TrackModel }) {
  const failure = model.failure.value;
  if (failure === null || isOfSession(failure)) return null;
  return (
    <div class="analysis-note error" role="alert">
      <p>
        <strong>The analyses could not be read.</strong> {explain(failure).title}.
      </p>
      <button onClick={() => void model.load()}>Try again</button>
    </div>
  );
}

function None({ model }: { readonly model: TrackModel }) {
  return (
    <div class="analysis-note">
      <p>
        <strong>Not analysed yet.</strong> An analysis finds its beats, key, chords, sections and loudness.
      </p>
      <Act label="Analyse" run={() => model.analyze()} what="The analysis could not be asked for" />
    </div>
  );
}

/** A button for what the server does, once at a time. */
export function Act({ label, run, what, primary = true }: { readonly label: string; readonly run: () => Promise<void>; readonly what: string; readonly primary?: boolean }) {
  const busy = useSignal(false);
  const go = async (): Promise<void> => {
    if (busy.peek()) return;
    busy.value = true;
    try {
      await run();
    } catch (error) {
      tellError(error, what, { label: "Try again", run: () => void go() });
    } finally {
      busy.value = false;
    }
  };
  return (
    <button class={primary ? "primary" : ""} aria-disabled={busy.value} onClick={() => void go()}>
      {label}
    </button>
  );
}
