/** Which frames to draw for a view: of the level that suits it, and of coarser ones where that is still to come. */

import type { TrackModel } from "../model";
import { spanOf } from "../view";
import type { Span, View } from "../view";
import type { Block, Wanted } from "./blocks";
import { levelFor } from "./source";
import type { FrameSource, SourceLevel } from "./source";

/** Most frames a device pixel: the levels are a factor of 8 apart, so there are at least a fifth of one. */
export const MOST_FRAMES_A_PIXEL = 1.5;

/** A block, and the time for which it is drawn. */
export interface Piece extends Span {
  readonly block: Block;
}

export const levelOf = (source: FrameSource, view: View): SourceLevel | undefined => levelFor(source, view.msPerPx / devicePixelRatio, MOST_FRAMES_A_PIXEL);

/** The blocks of a span, and one more on either side, which come last. */
export function wantedFor(source: FrameSource, view: View): readonly Wanted[] {
  const level = levelOf(source, view);
  if (!level || view.widthPx <= 0) return [];
  const { first, last } = meeting(source, level, spanOf(view));
  const of = (from: number, to: number): Wanted => ({ level: level.level, first: from, last: to });
  return [of(first, last), of(last + 1, last + 1), of(first - 1, first - 1)];
}

/** What covers a view, in order of time. */
export function piecesOf(model: TrackModel, view: View): readonly Piece[] {
  void model.blocks.revision.value;
  const source = model.source.value;
  const target = source && levelOf(source, view);
  if (!source || !target) return [];
  const span = spanOf(view);
  const { first, last } = meeting(source, target, span);
  const pieces: Piece[] = [];
  for (let index = first; index <= last; index += 1) {
    const slot = target.hopMs * source.chunkFrames;
    const part = { fromMs: Math.max(index * slot, span.fromMs), toMs: Math.min((index + 1) * slot, span.toMs) };
    const coarser = source.levels.slice(source.levels.indexOf(target));
    for (const level of coarser) {
      const found = of(model, source, level, part);
      pieces.push(...found);
      if (found.length > 0) break;
    }
  }
  return pieces;
}

function of(model: TrackModel, source: FrameSource, level: SourceLevel, span: Span): Piece[] {
  const { first, last } = meeting(source, level, span);
  const pieces: Piece[] = [];
  for (let index = first; index <= last; index += 1) {
    const block = model.blocks.get(level.level, index);
    if (!block) continue;
    const { startFrame, frameCount, hopMs } = block.frames;
    const piece = { block, fromMs: Math.max(span.fromMs, startFrame * hopMs), toMs: Math.min(span.toMs, (startFrame + frameCount) * hopMs) };
    if (piece.fromMs < piece.toMs) pieces.push(piece);
  }
  return pieces;
}

function meeting(source: FrameSource, level: SourceLevel, span: Span): { first: number; last: number } {
  const slot = level.hopMs * source.chunkFrames;
  const end = Math.ceil(source.frameCount(level.level) / source.chunkFrames) - 1;
  return { first: Math.max(Math.floor(span.fromMs / slot), 0), last: Math.min(Math.ceil(span.toMs / slot) - 1, end) };
}
