/** What the analysis knows, as far as exercises need it: only the stretch that was played is asked for. */

import type { Analysis } from "@arsis/client";
import { client } from "../../api";
import type { Span } from "../view";
import type { CurvePoint } from "./compare/curve";
import type { Labelled } from "./compare/labels";
import { mean } from "./compare/numbers";
import { fieldOf, rowAt } from "./compare/value";

/** Most events that are read at once: an hour of beats. */
const MOST = 8_000;

export class Facts {
  constructor(
    readonly analysis: Analysis,
    readonly signal: AbortSignal,
  ) {}

  /** Times of events of some types, ascending, each once. Of sections, keys and chords those at which something changes. */
  async times(types: readonly string[], span: Span): Promise<number[]> {
    if (types.length === 0) return [];
    const found: number[] = [];
    let last: string | undefined;
    for await (const event of this.#events(types, span)) {
      if (event.event_type === "key" || event.event_type === "chord") {
        const name = (event.event_data as { name?: string } | null)?.name;
        // The first key and section are there from the start: nothing changes.
        if (name === last) continue;
        last = name;
      }
      if ((event.event_type === "section" || event.event_type === "key") && event.time_ms < 1000) continue;
      found.push(event.time_ms);
      if (found.length >= MOST) break;
    }
    return [...new Set(found)].sort((a, b) => a - b);
  }

  /** Sections of the whole with the letters of what sounds alike; variations count as the same. */
  async sections(durationMs: number): Promise<Labelled[]> {
    const found: { fromMs: number; toMs: number | null; label: string }[] = [];
    for await (const event of this.#events(["section"], { fromMs: 0, toMs: durationMs })) {
      const label = (event.event_data as { label?: string } | null)?.label ?? "?";
      found.push({ fromMs: event.time_ms, toMs: event.duration_ms ? event.time_ms + event.duration_ms : null, label: label.replace(/[^A-Za-z?]+\d*$/, "") });
      if (found.length >= MOST) break;
    }
    return found.map((one, i) => ({ ...one, toMs: one.toMs ?? found[i + 1]?.fromMs ?? durationMs }));
  }

  async strongestSection(durationMs: number): Promise<number | null> {
    let best: { timeMs: number; confidence: number } | null = null;
    for await (const event of this.#events(["section"], { fromMs: 0, toMs: durationMs })) {
      const confidence = event.confidence ?? 0;
      if (event.time_ms >= 1000 && (!best || confidence > best.confidence)) best = { timeMs: event.time_ms, confidence };
    }
    return best?.timeMs ?? null;
  }

  /** A field of the frames over a span, in its unit. */
  async curve(field: string, span: Span, points = 300): Promise<CurvePoint[]> {
    const results = await client.results(this.analysis.id, { signal: this.signal });
    const frames = await results.frames({ ...span, maxFrames: points, signal: this.signal });
    const { count } = frames.field(field);
    const values = frames.values(field);
    return Array.from({ length: frames.frameCount }, (_, i) => ({ timeMs: frames.timeMs(i) + frames.hopMs / 2, value: values[i * count]! }));
  }

  /** Mean of a field of the frames, or of a row of the summary, over a span. */
  async level(source: { readonly frame?: string | undefined; readonly summary?: string | undefined }, span: Span): Promise<number | null> {
    if (source.frame) {
      const values = (await this.curve(source.frame, span, 2000)).map((point) => point.value).filter(Number.isFinite);
      return values.length ? mean(values) : null;
    }
    const row = fieldOf(this.analysis.summary, source.summary ?? "");
    if (!Array.isArray(row)) return null;
    const points = row.flatMap((point: Record<string, unknown>) => {
      const value = Object.entries(point).find(([name, one]) => name !== "time_ms" && typeof one === "number")?.[1];
      return typeof point["time_ms"] === "number" && typeof value === "number" ? [{ time_ms: point["time_ms"], value }] : [];
    });
    return points.length ? (rowAt(points, (span.fromMs + span.toMs) / 2) ?? null) : null;
  }

  #events(types: readonly string[], span: Span) {
    const query = { type: types.join(","), from_ms: Math.max(Math.floor(span.fromMs), 0), to_ms: Math.ceil(span.toMs) };
    return client.events(this.analysis.id, query, { signal: this.signal });
  }
}

/** To 0…1 between what few values are below and above, so that a moment of silence or a single blow does not flatten the rest. */
export function scaled(points: readonly CurvePoint[]): CurvePoint[] {
  const real = points.map((point) => point.value).filter(Number.isFinite).sort((a, b) => a - b);
  const at = (part: number): number => real[Math.round(part * (real.length - 1))] ?? 0;
  const [least, most] = [at(0.05), at(0.99)];
  const range = Math.max(most - least, 1e-6);
  return points.map(({ timeMs, value }) => ({ timeMs, value: Number.isNaN(value) ? NaN : Math.min(Math.max((value - least) / range, 0), 1) }));
}
