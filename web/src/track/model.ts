/** All that is known of the track that is open, and what its parts share. Made by the page, handed down as a context. */

import type { Analysis, Track } from "@arsis/client";
import { computed, signal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { client } from "../api";
import { Beats } from "./beats";
import type { FrameSource } from "./frames/source";
import { History } from "./history";
import { Player } from "./playback/player";
import type { Span, View } from "./view";

export class TrackModel {
  readonly track = signal<Track | null>(null);
  /** The analysis that is shown: the newest completed one, or the newest. */
  readonly analysis = signal<Analysis | null>(null);
  /** Its frames, as soon as there are any. */
  readonly source = signal<FrameSource | null>(null);
  /** Length of the track, or of what is known of it by now, in ms; 0 while nothing is. */
  readonly durationMs = computed(() => this.track.value?.duration_ms ?? this.analysis.value?.progress.total_ms ?? this.source.value?.availableMs ?? 0);
  readonly view = signal<View>({ fromMs: 0, msPerPx: 10, widthPx: 0 });
  /** What the person has marked on the timeline: for loops, regions, annotations and answers. */
  readonly selection = signal<Span | null>(null);
  readonly beats = new Beats();
  readonly history = new History();
  readonly player: Player;
  readonly #gone = new AbortController();

  constructor(readonly trackId: string) {
    this.player = new Player(trackId);
  }

  /** Ends with the page: to be passed to every request made for it. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  async load(): Promise<void> {
    this.track.value = await client.track(this.trackId, { signal: this.signal });
    for await (const analysis of client.analyses(this.trackId, { signal: this.signal })) {
      this.analysis.value ??= analysis;
      if (analysis.status === "completed") {
        this.analysis.value = analysis;
        break;
      }
    }
  }

  dispose(): void {
    this.#gone.abort();
    this.player.dispose();
  }
}

export const TrackContext = createContext<TrackModel | null>(null);

export function useTrack(): TrackModel {
  const model = useContext(TrackContext);
  if (!model) throw new Error("this part of the page belongs into a TrackPage");
  return model;
}
