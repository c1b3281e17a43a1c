/** The frames of a running analysis: how far it is at one moment. Each progress event makes another of these. */

import { Frames } from "@arsis/client";
import type { FrameLayout } from "@arsis/client";
import { client } from "../../api";
import type { Span } from "../view";
import type { FrameSource, SourceLevel } from "./source";

/** What the server says of a running analysis in place of a manifest. */
interface Partial {
  readonly complete: boolean;
  readonly attempt: string;
  readonly available_ms: number;
  readonly frame_layout: FrameLayout;
  readonly chunk_size_frames: number;
  readonly levels: readonly { readonly level: number; readonly hop_ms: number; readonly frame_count: number }[];
}

/** The analysis was begun anew: what was read before is void. */
export class AttemptChanged extends Error {}

export class GrowingSource implements FrameSource {
  readonly levels: readonly SourceLevel[];
  readonly complete = false;
  readonly truncated = false;
  readonly #counts: ReadonlyMap<number, number>;

  private constructor(
    readonly analysisId: string,
    private readonly partial: Partial,
  ) {
    this.levels = partial.levels.map((one) => ({ level: one.level, hopMs: one.hop_ms }));
    this.#counts = new Map(partial.levels.map((one) => [one.level, one.frame_count]));
  }

  /** How far it is; undefined before its first chunk, and once it is completed. */
  static async look(analysisId: string, signal: AbortSignal): Promise<GrowingSource | undefined> {
    const response = await client.send(`/v1/analyses/${analysisId}/manifest`, { signal });
    if (response.status !== 200) return undefined;
    const partial = (await response.json()) as Partial;
    return partial.complete === false ? new GrowingSource(analysisId, partial) : undefined;
  }

  get attempt(): string {
    return this.partial.attempt;
  }

  get layout() {
    return this.partial.frame_layout;
  }

  get chunkFrames() {
    return this.partial.chunk_size_frames;
  }

  get availableMs() {
    return this.partial.available_ms;
  }

  frameCount(level: number): number {
    return this.#counts.get(level) ?? 0;
  }

  async frames(span: Span, level: number, signal?: AbortSignal): Promise<Frames> {
    const query = { from_ms: Math.floor(span.fromMs), to_ms: Math.ceil(span.toMs), level };
    const headers = { accept: "application/octet-stream, application/problem+json" };
    const response = await client.send(`/v1/analyses/${this.analysisId}/frames`, { query, headers, signal });
    const attempt = response.headers.get("arsis-attempt");
    // Without a name they are the final ones, the same bit for bit.
    if (response.status !== 200 || (attempt !== null && attempt !== this.attempt)) throw new AttemptChanged();
    const [hop, first, count] = ["hop-ms", "start-frame", "frame-count"].map((name) => Number(response.headers.get(`arsis-${name}`)));
    return new Frames(this.layout, level, hop!, first!, count!, new Uint8Array(await response.arrayBuffer()));
  }
}
