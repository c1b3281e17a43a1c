/** The frames of a completed analysis, out of its chunks. */

import type { Frames, Results } from "@arsis/client";
import type { Span } from "../view";
import type { FrameSource, SourceLevel } from "./source";

export class StoredSource implements FrameSource {
  readonly levels: readonly SourceLevel[];
  readonly complete = true;

  constructor(private readonly results: Results) {
    this.levels = results.manifest.levels.map((one) => ({ level: one.level, hopMs: one.hop_ms }));
  }

  get analysisId() {
    return this.results.analysisId;
  }

  get layout() {
    return this.results.manifest.frame_layout;
  }

  get chunkFrames() {
    return this.results.manifest.chunk_size_frames;
  }

  get truncated() {
    return this.results.manifest.audio["truncated"] === true;
  }

  get availableMs() {
    return this.results.manifest.duration_ms;
  }

  frameCount(level: number): number {
    return this.results.manifest.levels.find((one) => one.level === level)?.frame_count ?? 0;
  }

  frames(span: Span, level: number, signal?: AbortSignal): Promise<Frames> {
    return this.results.frames({ ...span, level, ...(signal && { signal }) });
  }
}
