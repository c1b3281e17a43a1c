/** Level of each band over time, as colour. */

import { useMemo } from "preact/hooks";
import { theme } from "../../theme";
import { stepOf } from "../frames/colours";
import type { Piece } from "../frames/visible";
import { levelOf, MOST_FRAMES_A_PIXEL, piecesOf } from "../frames/visible";
import { Tiles } from "../frames/tiles";
import { useTrack } from "../model";
import type { TrackModel } from "../model";
import { toX } from "../view";
import type { View } from "../view";
import { Lane } from "./lane";
import type { AxisMark } from "./lane";

export const SPECTROGRAM_PX = 224;

const MARKS_HZ = [50, 100, 200, 500, 1000, 2000, 5000, 10_000];

export function Spectrogram() {
  const { source } = useTrack();
  const look = theme.value;
  const draw = useMemo(() => drawer(new Tiles(look, "bands", stepOf), "bands"), [look]);
  const edges = source.value?.layout.fields.find((field) => field.name === "bands")?.band_edges_hz;
  const axis = useMemo(() => marks(edges ?? []), [edges]);
  return <Lane label="Spectrum" kind="spectrogram" height={SPECTROGRAM_PX} draw={draw} axis={axis} said="level of each frequency band over time, low at the foot" />;
}

const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const NATURAL = NAMES.map((name, at) => ({ at: 1 - (at + 0.5) / 12, text: name })).filter((mark) => mark.text.length === 1);

/** How strong each pitch class is. */
export function Chroma() {
  const look = theme.value;
  const draw = useMemo(() => drawer(new Tiles(look, "chroma", (value) => (value > 0 ? Math.round(Math.min(value, 1) * 255) : 0)), "chroma"), [look]);
  return <Lane label="Chroma" kind="chroma" height={120} draw={draw} axis={NATURAL} said="strength of the twelve pitch classes over time, C at the foot" />;
}

/**
 * Draws the tiles of a field. The canvas says what it shows, for whoever reads its pixels: `data-level`, and where frame `i` of that level lies:
 * from `(i · data-hop-ms − data-from-ms) / data-ms-per-px` CSS pixels on.
 */
function drawer(tiles: Tiles, field: string) {
  return (context: CanvasRenderingContext2D, view: View, height: number, model: TrackModel): void => {
    const source = model.source.value;
    if (!source?.layout.fields.some((one) => one.name === field)) return;
    const pieces = piecesOf(model, view);
    const level = levelOf(source, view);
    const { dataset } = context.canvas;
    Object.assign(dataset, { level: level?.level, hopMs: level?.hopMs, fromMs: view.fromMs, msPerPx: view.msPerPx });
    dataset["drawn"] = String(pieces.length > 0 && pieces.every((piece) => piece.block.frames.level === level?.level));
    for (const piece of pieces) put(context, tiles, piece, view, height);
  };
}

/** Edges lie on device pixels, so that no seam shows between neighbours; nothing is blended, so that a colour is a level. */
function put(context: CanvasRenderingContext2D, tiles: Tiles, piece: Piece, view: View, height: number): void {
  const { startFrame, frameCount, hopMs } = piece.block.frames;
  const pool = poolOf(view.msPerPx / devicePixelRatio / hopMs);
  const { canvas } = tiles.of(piece.block, pool);
  const first = Math.floor((piece.fromMs / hopMs - startFrame) / pool);
  const end = Math.min(Math.ceil((piece.toMs / hopMs - startFrame) / pool), canvas.width);
  const edge = (column: number): number => Math.round(toX(view, (startFrame + Math.min(column * pool, frameCount)) * hopMs) * devicePixelRatio) / devicePixelRatio;
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, first, 0, end - first, canvas.height, edge(first), 0, edge(end) - edge(first), height);
}

/** Frames that share a column of the picture, where there are more of them than even the coarsest level should have. */
const poolOf = (framesAPixel: number): number => 2 ** Math.max(0, Math.ceil(Math.log2(framesAPixel / MOST_FRAMES_A_PIXEL)));

/** Where round frequencies lie among the bands: band `b` peaks at edge `b + 1`. */
function marks(edges: readonly number[]): readonly AxisMark[] {
  const bands = edges.length - 2;
  return MARKS_HZ.flatMap((hz) => {
    const above = edges.findIndex((edge) => edge >= hz);
    if (above < 1 || above > bands) return [];
    const band = above - 1 - (edges[above]! - hz) / (edges[above]! - edges[above - 1]!);
    const at = 1 - (band + 0.5) / bands;
    return at > 0.03 && at < 0.97 ? [{ at, text: hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz` }] : [];
  });
}
