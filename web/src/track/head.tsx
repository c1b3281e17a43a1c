/** Name and facts of the track, its analyses, and its results as files. */

import type { Analysis } from "@arsis/client";
import type { ComponentChildren } from "preact";
import { tempo, time } from "../format";
import { followLink } from "../route";
import { useTrack } from "./model";
import { Act } from "./state";
import { sureness, summaryOf } from "./summary";
import { closeOnEscape, closeOnLeave } from "./tools";

/** Formats of exports, and who reads them. */
const EXPORTS = [
  ["json", "JSON", "everything, for programs"],
  ["jsonl", "JSON in one line", "the same, for logs and pipes"],
  ["jams", "JAMS", "for research"],
  ["csv", "CSV", "for spreadsheets"],
  ["audacity", "Audacity labels", "for Audacity and Sonic Visualiser"],
  ["rekordbox", "rekordbox XML", "for DJ software, which asks where the file is"],
] as const;

export function Head() {
  const model = useTrack();
  const track = model.track.value;
  return (
    <header class="track-head">
      <nav aria-label="Breadcrumb">
        <a href="/" onClick={followLink}>Library</a>
      </nav>
      <div class="track-title">
        <div>
          <h1>{track?.name ?? "…"}</h1>
          {(track?.artist || track?.album) && <p class="by">{[track.artist, track.album].filter(Boolean).join(" · ")}</p>}
        </div>
        <Actions />
      </div>
      {/* On a phone it is one row, which scrolls. */}
      <div class="facts-row" role="region" aria-label="Facts" tabIndex={matchMedia("(max-width: 700px)").matches ? 0 : undefined}>
        <Facts />
      </div>
    </header>
  );
}

function Facts() {
  const model = useTrack();
  const track = model.track.value;
  if (model.concealed.value.has("summary")) return <p class="facts">What was measured is shown after your answer.</p>;
  const summary = model.summary.value;
  const loudness = summary?.loudness;
  const heardBpm = summaryOf(model.analysis.value)?.tempo_bpm;
  const isTempoHeard = tempo(summary?.tempo_bpm ?? 0) === tempo(heardBpm ?? 0);
  return (
    <dl class="facts">
      <Fact name="Length">{model.durationMs.value ? time(model.durationMs.value) : undefined}</Fact>
      <Fact name="Tempo" unit="BPM" note={isTempoHeard ? sureness(summary?.tempo_confidence) : "corrected"}>{summary?.tempo_bpm ? tempo(summary.tempo_bpm) : track?.bpm ? tempo(track.bpm) : undefined}</Fact>
      <Fact name="Time signature">{summary?.time_signature ?? undefined}</Fact>
      <Fact name="Key" note={sureness(summary?.key?.confidence)}>{summary?.key?.name ?? track?.key_signature ?? undefined}</Fact>
      <Fact name="Loudness" unit="LUFS" note={loudness?.range_lu != null ? `range ${loudness.range_lu.toFixed(1)} LU` : undefined}>{loudness?.integrated_lufs != null ? signed(loudness.integrated_lufs) : undefined}</Fact>
      <Fact name="True peak" unit="dBTP">{loudness?.true_peak_dbtp != null ? signed(loudness.true_peak_dbtp) : undefined}</Fact>
      <Fact name="Tuning" unit="Hz">{summary?.tuning_hz ? summary.tuning_hz.toFixed(1) : undefined}</Fact>
    </dl>
  );
}

const signed = (value: number): string => value.toFixed(1).replace("-", "−");

/** What is not known is left out. */
function Fact({ name, unit, note, children }: { readonly name: string; readonly unit?: string; readonly note?: string | undefined; readonly children: ComponentChildren }) {
  if (children === undefined) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children}
        {unit && <span class="unit"> {unit}</span>}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

function Actions() {
  const model = useTrack();
  const analysis = model.analysis.value;
  const many = (model.analyses.value?.length ?? 0) > 1;
  const isOver = analysis?.status === "completed" || analysis?.status === "error";
  return (
    <div class="track-actions">
      {many && <Picker />}
      {analysis?.status === "completed" && <Exports analysis={analysis} />}
      {isOver && <Act label="Analyse again" run={() => model.analyze()} what="The analysis could not be asked for" primary={false} />}
    </div>
  );
}

function Picker() {
  const model = useTrack();
  const pick = (event: Event): void => {
    const id = (event.currentTarget as HTMLSelectElement).value;
    const picked = model.analyses.peek()?.find((one) => one.id === id);
    if (picked) model.show(picked);
  };
  return (
    <label class="picker">
      <span class="hidden">Analysis</span>
      <select value={model.analysis.value?.id} onChange={pick}>
        {model.analyses.value?.map((one) => (
          <option key={one.id} value={one.id}>{nameOf(one)}</option>
        ))}
      </select>
    </label>
  );
}

const STATES: Record<string, string> = { pending: ", waiting", running: ", running", error: ", failed" };

const nameOf = (one: Analysis): string => `${one.analysis_type}, ${new Date(one.created_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}${STATES[one.status] ?? ""}`;

function Exports({ analysis }: { readonly analysis: Analysis }) {
  const isCorrected = useTrack().beats.corrected.value !== null;
  return (
    <details class="drop right" onKeyDown={closeOnEscape} onFocusOut={closeOnLeave}>
      <summary class="button">Export</summary>
      <ul>
        {isCorrected && <li class="faint">With the beats as you corrected them</li>}
        {EXPORTS.map(([format, name, what]) => (
          <li key={format}>
            <a href={`/v1/analyses/${analysis.id}/export/${format}${isCorrected ? "?beats=corrected" : ""}`} download>
              {name}
              <small>{what}</small>
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}
