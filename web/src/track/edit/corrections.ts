/**
 * What the person says about beats and bars: each gesture one batch of corrections, then the grid decoded anew through all of
 * them. What was said is marked at once; the grid that the server answers with takes its place.
 */

import type { components } from "@arsis/client";
import { computed, signal } from "@preact/signals";
import { client } from "../../api";
import { tellError } from "../../notices";
import type { Act } from "../history";
import { isPassing } from "../history";
import type { TrackModel } from "../model";
import type { Span } from "../view";
import { isStatus } from "./things";

type Schemas = components["schemas"];
export type NewCorrection = Schemas["NewCorrection"];
export type Source = Schemas["CorrectionSource"];
type Correction = Schemas["Correction"];

/** What was said and is not decoded yet. */
export interface Mark {
  readonly kind: NewCorrection["kind"];
  readonly timeMs: number;
  readonly fromMs?: number | undefined;
}

const PAGE = 1_000;
const AT_ONCE = 5_000;

export class Corrections {
  readonly marks = signal<readonly Mark[]>([]);
  /** The beat that the person works on, by its time. */
  readonly chosenMs = signal<number | null>(null);
  readonly count = computed(() => this.model.beats.corrected.value?.corrections ?? 0);
  /** How many gestures are not decoded yet. */
  readonly decoding = signal(0);
  /** A batch that was removed and made anew has another id: the old one leads to it. */
  readonly #anew = new Map<string, string>();

  constructor(readonly model: TrackModel) {}

  get #analysis(): string | null {
    const analysis = this.model.analysis.peek();
    return analysis?.status === "completed" ? analysis.id : null;
  }

  /** The grid through all that was said; the machine's where nothing was. */
  async open(analysis_id: string): Promise<void> {
    const { signal, beats } = this.model;
    const said = await this.#all(signal);
    const grid = said.length ? await this.#decoded(analysis_id, signal) : null;
    if (this.#analysis !== analysis_id) return;
    // Nothing was said or taken back since it was decoded, be it elsewhere or while another analysis was shown.
    const isCurrent = grid?.corrections === said.length && said.every((one) => Date.parse(one.updated_at) <= Date.parse(grid.created_at));
    if (!said.length || isCurrent) beats.corrected.value = grid;
    else await this.#decode();
  }

  /** One gesture. */
  correcting(what: string, corrections: readonly NewCorrection[], source: Source): Act {
    const { trackId: track_id } = this.model;
    const marks = corrections.map(({ kind, time_ms, moved_from_ms }) => ({ kind, timeMs: time_ms, fromMs: moved_from_ms ?? undefined }));
    let batch = "";
    return {
      what,
      redo: async (once) => {
        const json = { analysis_id: this.#analysis, source, corrections: [...corrections] };
        const made = await client.call("post", "/v1/tracks/{track_id}/corrections", { path: { track_id }, json, headers: { "idempotency-key": once } });
        batch = made.batch_id;
        await this.#decodeStored();
      },
      undo: async () => {
        await client.call("delete", "/v1/tracks/{track_id}/corrections", { path: { track_id }, query: { batch_id: this.#now(batch) } });
        await this.#decodeStored();
      },
      ahead: (way) => this.#mark(way === "redo" ? marks : []),
    };
  }

  /** All that was said of the track, taken back. */
  forgetting(what: string): Act {
    const { trackId: track_id } = this.model;
    let gone: Correction[][] = [];
    return {
      what,
      redo: async () => {
        // A second try finds what the first has removed no more.
        const found = batches(await this.#all());
        if (found.length) gone = found;
        await client.call("delete", "/v1/tracks/{track_id}/corrections", { path: { track_id } });
        await this.#decodeStored();
      },
      undo: async (once) => {
        for (const [n, batch] of gone.entries()) {
          const { batch_id, analysis_id, source } = batch[0]!;
          const json = { analysis_id: analysis_id ?? null, source: source as Source, corrections: batch.map(again) };
          const made = await client.call("post", "/v1/tracks/{track_id}/corrections", { path: { track_id }, json, headers: { "idempotency-key": `${once}-${n}` } });
          this.#anew.set(batch_id, made.batch_id);
        }
        await this.#decodeStored();
      },
      ahead: () => this.#mark([]),
    };
  }

  /** The grid that was decoded last; null where what was said is of another analysis of the track, or of another run of this one. */
  async #decoded(analysis_id: string, signal: AbortSignal): Promise<Schemas["Grid"] | null> {
    try {
      return (await client.call("get", "/v1/analyses/{analysis_id}/grid", { path: { analysis_id }, signal })) as Schemas["Grid"];
    } catch (error) {
      if (isStatus(error, 404) || isStatus(error, 409)) return null;
      throw error;
    }
  }

  async #all(signal?: AbortSignal): Promise<Correction[]> {
    const all: Correction[] = [];
    for (let cursor: string | undefined, more = true; more; ) {
      const query = { limit: PAGE, ...(cursor && { cursor }) };
      const page = await client.call("get", "/v1/tracks/{track_id}/corrections", { path: { track_id: this.model.trackId }, query, ...(signal && { signal }) });
      all.push(...page.items);
      cursor = page.next_cursor ?? undefined;
      more = cursor !== undefined;
    }
    return all;
  }

  async #decode(): Promise<void> {
    const analysis_id = this.#analysis;
    if (!analysis_id) return;
    const grid = await client.call("post", "/v1/analyses/{analysis_id}/regrid", { path: { analysis_id }, json: {} });
    if (this.#analysis === analysis_id) this.model.beats.corrected.value = shown(grid as Schemas["Grid"]);
  }

  /** What was said is stored by now: where it cannot be decoded that is told for itself, and takes nothing back. */
  async #decodeStored(): Promise<void> {
    try {
      await this.#decode();
    } catch (error) {
      if (isPassing(error)) throw error;
      this.#notDecoded(error);
    }
  }

  #notDecoded(error: unknown): void {
    const again = (): void => void this.#decode().catch((failure: unknown) => this.#notDecoded(failure));
    tellError(error, "What you corrected is stored, but the beats do not follow it yet", { label: "Try again", run: again });
  }

  #now(batch: string): string {
    let id = batch;
    for (let next = this.#anew.get(id); next; next = this.#anew.get(id)) id = next;
    return id;
  }

  #mark(marks: readonly Mark[]): () => void {
    this.marks.value = [...this.marks.peek(), ...marks];
    this.decoding.value += 1;
    return () => {
      this.marks.value = this.marks.peek().filter((mark) => !marks.includes(mark));
      this.decoding.value -= 1;
    };
  }
}

/** A grid through no corrections is the machine's. */
const shown = (grid: Schemas["Grid"]): Schemas["Grid"] | null => (grid.corrections ? grid : null);

const again = ({ kind, time_ms, end_time_ms, moved_from_ms, beats_per_bar, factor }: Correction): NewCorrection => ({
  kind: kind as NewCorrection["kind"],
  time_ms,
  ...(end_time_ms != null && { end_time_ms }),
  ...(moved_from_ms != null && { moved_from_ms }),
  ...(beats_per_bar != null && { beats_per_bar }),
  ...(factor != null && { factor: factor as Schemas["TempoFactor"] }),
});

/** Gestures in the order of their making. */
function batches(all: readonly Correction[]): Correction[][] {
  const found = new Map<string, Correction[]>();
  for (const one of all) (found.get(one.batch_id) ?? found.set(one.batch_id, []).get(one.batch_id)!).push(one);
  return [...found.values()].sort((a, b) => (a[0]!.created_at < b[0]!.created_at ? -1 : 1));
}

/** Taps as one gesture: whole ms within the track, in order. */
export function tapsOf(times: readonly number[], durationMs: number): NewCorrection[] {
  const whole = times.map((ms) => Math.round(Math.min(Math.max(ms, 0), durationMs)));
  return whole.sort((a, b) => a - b).slice(0, AT_ONCE).map((time_ms) => ({ kind: "tap", time_ms }));
}

/** From where to where something holds that is said of the selection, or of the whole track. */
export const reachOf = (span: Span | null): { time_ms: number; end_time_ms?: number } =>
  span ? { time_ms: Math.round(span.fromMs), end_time_ms: Math.round(span.toMs) } : { time_ms: 0 };
