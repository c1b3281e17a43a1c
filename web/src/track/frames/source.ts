/** Where frames come from: a completed analysis by its chunks, or a running one as far as it is. */

import type { FrameLayout, Frames } from "@arsis/client";
import type { Span } from "../view";

/** One zoom level. */
export interface SourceLevel {
  readonly level: number;
  readonly hopMs: number;
}

export interface FrameSource {
  readonly analysisId: string;
  readonly layout: FrameLayout;
  /** Finest first; those of a running analysis are the ones it will have. */
  readonly levels: readonly SourceLevel[];
  /** Frames of a chunk: fetching along its bounds fetches nothing twice. */
  readonly chunkFrames: number;
  /** Up to where there are frames, in ms. */
  readonly availableMs: number;
  /** Whether this is all there will be. */
  readonly complete: boolean;
  /** Whether the audio ended before its header says it should. */
  readonly truncated: boolean;
  /** How many frames a level has by now. */
  frameCount(level: number): number;
  /** The frames of a level whose slots meet a span, as far as they are there. */
  frames(span: Span, level: number, signal?: AbortSignal): Promise<Frames>;
}

/** The finest level with at most `most` frames a pixel, or the coarsest. */
export function levelFor(source: FrameSource, msPerPx: number, most: number): SourceLevel | undefined {
  return source.levels.find((level) => msPerPx / level.hopMs <= most) ?? source.levels.at(-1);
}
