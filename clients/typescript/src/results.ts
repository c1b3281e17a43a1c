/** Results of one analysis: its manifest, and frames by time out of chunks that are fetched once. */

import { call, fill } from "./api.js";
import { ApiError, FormatError, NotReadyError, refuseUnready } from "./errors.js";
import { chooseLevel, decodeChunk, Frames, framesMeeting } from "./frames.js";
import type { Chunk, ChunkEntry, Level, Manifest } from "./frames.js";
import type { Transport } from "./transport.js";

/** When a running analysis, whose manifest does not say so, is asked for again: as for one that has nothing to show yet. */
const ASK_AGAIN_MS = 2_000;

/** Which frames. */
export interface Span {
  /** From this time on, in ms. Default 0. */
  readonly fromMs?: number;
  /** Until before this time, in ms. Default: the end. */
  readonly toMs?: number;
  /** Zoom level; 0, the default, is the finest. */
  readonly level?: number;
  /** The finest level that needs no more frames than this, in place of `level`; where even the coarsest needs more, the coarsest. */
  readonly maxFrames?: number;
  readonly signal?: AbortSignal;
}

/** Chunks that were fetched, the least recently used ones dropped. Kept by results version: what is done again is fetched again. */
export class ChunkCache {
  readonly #chunks = new Map<string, Promise<Chunk>>();
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(
    /** Most bytes of frames kept. Default 64 MiB. */
    readonly maxBytes: number = 64 << 20,
  ) {}

  /** What is kept under a key, or what `fetch` brings; several callers at a time share one fetch. */
  get(key: string, fetch: () => Promise<Chunk>): Promise<Chunk> {
    const kept = this.#chunks.get(key);
    if (kept) {
      // Last in the map is the one used last.
      this.#chunks.delete(key);
      this.#chunks.set(key, kept);
      return kept;
    }
    const coming = fetch();
    this.#chunks.set(key, coming);
    coming.then(
      (chunk) => this.#keep(key, coming, chunk.bytes.byteLength),
      () => this.#chunks.get(key) === coming && this.#chunks.delete(key),
    );
    return coming;
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks.clear();
    this.#sizes.clear();
    this.#bytes = 0;
  }

  #keep(key: string, chunk: Promise<Chunk>, bytes: number): void {
    if (this.#chunks.get(key) !== chunk) return;
    this.#sizes.set(key, bytes);
    this.#bytes += bytes;
    for (const [oldest, size] of [...this.#chunks.keys()].map((one) => [one, this.#sizes.get(one)] as const)) {
      if (this.#bytes <= this.maxBytes) return;
      if (size === undefined) continue; // still coming
      this.#chunks.delete(oldest);
      this.#sizes.delete(oldest);
      this.#bytes -= size;
    }
  }
}

/** The results of a completed analysis. */
export class Results {
  readonly #transport: Transport;
  readonly #cache: ChunkCache;
  readonly analysisId: string;
  /** What the chunks hold and where. */
  manifest: Manifest;
  /** Names this run of the analysis; undefined where the server's answers do not let this origin see it. */
  version: string | undefined;

  private constructor(transport: Transport, cache: ChunkCache, analysisId: string, read: ManifestOf) {
    this.#transport = transport;
    this.#cache = cache;
    this.analysisId = analysisId;
    this.manifest = read.manifest;
    this.version = read.version;
  }

  /** Reads the manifest. Throws a `NotReadyError` while the analysis is not completed. */
  static async open(transport: Transport, cache: ChunkCache, analysisId: string, signal?: AbortSignal): Promise<Results> {
    return new Results(transport, cache, analysisId, await readManifest(transport, analysisId, signal));
  }

  /** The frames whose slots meet a span of time. */
  async frames(span: Span = {}): Promise<Frames> {
    try {
      return await this.#read(span);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404 && this.version !== undefined)) throw error;
      // The analysis was done again under the same id: its new results are what is asked for.
      const read = await readManifest(this.#transport, this.analysisId, span.signal);
      if (read.version === this.version) throw error;
      [this.manifest, this.version] = [read.manifest, read.version];
      return await this.#read(span);
    }
  }

  /** One chunk, decoded. */
  chunk(level: Level, entry: ChunkEntry, signal?: AbortSignal): Promise<Chunk> {
    const path = fill("/v1/analyses/{analysis_id}/chunks/{index}", { analysis_id: this.analysisId, index: entry.index });
    const { version } = this;
    const layout = this.manifest.frame_layout;
    const fetched = async (): Promise<Chunk> => {
      const headers = { accept: "application/octet-stream, application/problem+json" };
      const response = await this.#transport.send(path, { query: { level: level.level, v: version }, headers });
      await refuseUnready(response);
      return decodeChunk(new Uint8Array(await response.arrayBuffer()), layout, { level: level.level, entry });
    };
    // Without a version nothing says that a kept chunk is still the one.
    const key = `${this.#transport.baseUrl} ${this.analysisId} ${version} ${level.level} ${entry.index}`;
    const chunk = version === undefined ? fetched() : this.#cache.get(key, fetched);
    return unlessAborted(chunk, signal);
  }

  async #read(span: Span): Promise<Frames> {
    const { manifest } = this;
    const [fromMs, toMs] = [span.fromMs ?? 0, span.toMs ?? Infinity];
    const level = span.maxFrames === undefined ? this.#level(span.level ?? 0) : chooseLevel(manifest, fromMs, toMs, span.maxFrames);
    const { first, count } = framesMeeting(level, fromMs, toMs);
    const meets = (entry: ChunkEntry): boolean =>
      entry.start_frame < first + count && entry.start_frame + entry.frame_count > first;
    const chunks = await Promise.all(level.chunks.filter(meets).map((entry) => this.chunk(level, entry, span.signal)));
    const width = manifest.bytes_per_frame;
    const bytes = new Uint8Array(count * width);
    for (const chunk of chunks) {
      const from = Math.max(first - chunk.startFrame, 0);
      const to = Math.min(first + count - chunk.startFrame, chunk.frameCount);
      bytes.set(chunk.bytes.subarray(from * width, to * width), (chunk.startFrame + from - first) * width);
    }
    return new Frames(manifest.frame_layout, level.level, level.hop_ms, first, count, bytes);
  }

  #level(number: number): Level {
    const level = this.manifest.levels.find((candidate) => candidate.level === number);
    if (!level) throw new RangeError(`there is no level ${number}: there are ${this.manifest.levels.length}`);
    return level;
  }
}

interface ManifestOf {
  readonly manifest: Manifest;
  readonly version: string | undefined;
}

async function readManifest(transport: Transport, analysis_id: string, signal?: AbortSignal): Promise<ManifestOf> {
  const response = await transport.send(fill("/v1/analyses/{analysis_id}/manifest", { analysis_id }), { signal });
  await refuseUnready(response);
  const manifest = (await response.json()) as Manifest & { readonly complete?: boolean };
  if (manifest.complete === false) {
    // What is finished of a running analysis: it lists no chunks yet.
    const analysis = await call(transport, "get", "/v1/analyses/{analysis_id}", { path: { analysis_id }, signal });
    if (analysis.status === "pending" || analysis.status === "running") throw new NotReadyError(analysis, ASK_AGAIN_MS);
    return readManifest(transport, analysis_id, signal); // over in between
  }
  if (manifest.manifest_version !== 1) throw new FormatError(`manifest version ${manifest.manifest_version} is not known`);
  return { manifest, version: response.headers.get("arsis-results-version") ?? undefined };
}

/** A result that others may wait for, too: an abort ends the waiting, not the work. */
function unlessAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
