/** One track of the list. */

import type { Track } from "@arsis/client";
import { useRef } from "preact/hooks";
import { about, ago, tempo, time } from "../format";
import { followLink } from "../route";
import { CheckIcon, MoreIcon, WarnIcon } from "../ui/icons";
import { Menu } from "../ui/menu";
import { cancelAnalysis, retryAnalysis } from "./act";
import { useLive } from "./live";
import type { Asked } from "./row-keys";
import { entryOf, setFilter } from "./tracks";
import type { Entry } from "./tracks";

interface RowProps {
  readonly id: string;
  readonly ask: (asked: Asked) => void;
}

export function Row({ id, ask }: RowProps) {
  const entry = entryOf(id);
  return entry ? <TrackRow entry={entry.value} ask={ask} /> : null;
}

function TrackRow({ entry, ask }: { readonly entry: Entry; readonly ask: RowProps["ask"] }) {
  const row = useRef<HTMLTableRowElement>(null);
  const { track } = entry;
  useLive(track, row);
  return (
    <tr ref={row} role="row" data-track={track.id}>
      <td role="cell" class="name">
        <a href={`/tracks/${track.id}`} onClick={followLink}>{track.name}</a>
        {(track.artist || track.album || track.tags.length > 0) && (
          <div class="by">
            {[track.artist, track.album].filter(Boolean).join(" · ")}
            {track.tags.map((tag) => <button key={tag} class="tag" aria-label={`Show tracks with the tag ${tag}`} onClick={() => setFilter({ tag })}>{tag}</button>)}
          </div>
        )}
      </td>
      <td role="cell" class="number length">{track.duration_ms == null ? <Unknown /> : time(track.duration_ms)}</td>
      <td role="cell" class="number tempo">{track.bpm == null ? <Unknown /> : <>{tempo(track.bpm)} <span class="unit">BPM</span></>}</td>
      <td role="cell" class="key">{track.key_signature ?? <Unknown />}</td>
      <td role="cell" class="status"><Status entry={entry} /></td>
      <td role="cell" class="added"><time dateTime={track.created_at} title={new Date(track.created_at).toLocaleString()}>{ago(track.created_at)}</time></td>
      <td role="cell" class="actions"><Actions track={track} ask={ask} /></td>
    </tr>
  );
}

const Unknown = () => <span class="unknown"><span aria-hidden="true">–</span><span class="hidden">not known</span></span>;

function Status({ entry: { track, analysis } }: { readonly entry: Entry }) {
  if (track.status === "ready") return <span class="ready"><CheckIcon /> Ready</span>;
  if (track.status === "error") {
    return (
      <>
        <span class="failed"><WarnIcon /> Failed</span>
        <button class="small" aria-label={`Try again: ${track.name}`} onClick={() => void retryAnalysis(track)}>Try again</button>
        {track.error_message && <p class="why">{track.error_message}</p>}
      </>
    );
  }
  const isRunning = analysis?.status === "running";
  const fraction = isRunning ? analysis.progress.fraction : null;
  const left = isRunning ? analysis.progress.remaining_ms : null;
  const said = analysis?.cancel_requested ? "Stopping…" : isRunning ? [fraction != null && `${Math.floor(fraction * 100)} %`, left != null && `${about(left)} left`].filter(Boolean).join(", ") || "Analysing…" : "Waiting";
  return (
    <>
      <span class="running">{said}</span>
      <button class="quiet small" disabled={analysis?.cancel_requested ?? false} aria-label={`Stop the analysis of ${track.name}`} onClick={() => void cancelAnalysis(track)}>Stop</button>
      {isRunning && <progress max={1} {...(fraction == null ? {} : { value: fraction })} aria-label={`Analysis of ${track.name}`} />}
    </>
  );
}

function Actions({ track, ask }: { readonly track: Track; readonly ask: RowProps["ask"] }) {
  return (
    <Menu label={`Actions for ${track.name}`} icon={<MoreIcon />}>
      <a role="menuitem" href={`/tracks/${track.id}`} onClick={followLink}>Open</a>
      <button role="menuitem" onClick={() => ask({ what: "edit", id: track.id })}>Edit…</button>
      <a role="menuitem" href={`/v1/tracks/${track.id}/audio`} download>Download the audio</a>
      <hr />
      <button role="menuitem" class="danger" onClick={() => ask({ what: "delete", id: track.id })}>Delete…</button>
    </Menu>
  );
}
