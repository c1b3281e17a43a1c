/** The client: tracks, analyses and their results, over everything else by path. */

import { call, fill, items } from "./api.js";
import type { Answer, Call, Method, PathsWith } from "./api.js";
import { ApiError } from "./errors.js";
import type { Analysis } from "./errors.js";
import { follow } from "./follow.js";
import type { FollowOptions } from "./follow.js";
import { ChunkCache, Results } from "./results.js";
import type { components, paths } from "./schema.js";
import { Transport } from "./transport.js";
import type { RequestOptions, TransportOptions } from "./transport.js";
import { upload } from "./upload.js";
import type { UploadOptions } from "./upload.js";

export type Track = components["schemas"]["Track"];
export type Event = components["schemas"]["Event"];
export type AnalysisRequest = components["schemas"]["AnalysisRequest"];

type QueryOf<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? Omit<NonNullable<Q>, "cursor"> : never;

/** How the client works. */
export interface ClientOptions extends TransportOptions {
  /** Most bytes of decoded chunks kept. Default 64 MiB. */
  readonly maxCacheBytes?: number;
}

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

/** Speaks with one server, as one person. */
export class ArsisClient {
  readonly transport: Transport;
  /** Chunks that were decoded. */
  readonly chunks: ChunkCache;

  constructor(options: ClientOptions) {
    this.transport = new Transport(options);
    this.chunks = new ChunkCache(options.maxCacheBytes);
  }

  /**
   * Any route by method and path, typed by the server's description: JSON, or text as a string. What answers bytes or a stream of
   * events is for `send`. Throws a `NotReadyError` where the answer is still being computed.
   */
  call<M extends Method, P extends PathsWith<M>>(method: M, path: P, given: Call<P, M>): Promise<Answer<P, M>> {
    return call(this.transport, method, path, given);
  }

  /** Any route, untyped: the answer as the platform gives it. */
  send(path: string, options: RequestOptions = {}): Promise<Response> {
    return this.transport.send(path, options);
  }

  /** Uploads audio and asks for its analysis. */
  async upload(file: Blob, options: UploadOptions = {}): Promise<components["schemas"]["Uploaded"]> {
    const response = await upload(this.transport, "/v1/tracks", file, options);
    return (await response.json()) as components["schemas"]["Uploaded"];
  }

  /** Your tracks, newest first, page by page as they are needed. */
  tracks(query: QueryOf<"/v1/tracks"> = {}, { signal }: Signal = {}): AsyncGenerator<Track, void, undefined> {
    return items((cursor) => this.call("get", "/v1/tracks", { query: { ...query, ...(cursor && { cursor }) }, signal }));
  }

  track(track_id: string, { signal }: Signal = {}): Promise<Track> {
    return this.call("get", "/v1/tracks/{track_id}", { path: { track_id }, signal });
  }

  /** Changes what is said about a track; `null` empties a field. */
  updateTrack(track_id: string, json: components["schemas"]["TrackPatch"], { signal }: Signal = {}): Promise<Track> {
    return this.call("patch", "/v1/tracks/{track_id}", { path: { track_id }, json, signal });
  }

  async deleteTrack(track_id: string, { signal }: Signal = {}): Promise<void> {
    await this.call("delete", "/v1/tracks/{track_id}", { path: { track_id }, signal });
  }

  /** The audio as it was uploaded, or a part of it: a `Response` to stream from. */
  audio(track_id: string, { range, signal }: { readonly range?: string } & Signal = {}): Promise<Response> {
    const headers = { accept: "*/*", ...(range && { range }) };
    return this.send(fill("/v1/tracks/{track_id}/audio", { track_id }), { headers, signal });
  }

  /** Asks for an analysis. A retry with the same key makes no second one. */
  analyze(track_id: string, json: AnalysisRequest = {}, { signal, idempotencyKey }: { readonly idempotencyKey?: string } & Signal = {}): Promise<Analysis> {
    const headers = idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey };
    return this.call("post", "/v1/tracks/{track_id}/analyses", { path: { track_id }, json, headers, signal });
  }

  /** A track's analyses, newest first. */
  analyses(track_id: string, { signal }: Signal = {}): AsyncGenerator<Analysis, void, undefined> {
    return items((cursor) => this.call("get", "/v1/tracks/{track_id}/analyses", { path: { track_id }, query: { ...(cursor && { cursor }) }, signal }));
  }

  analysis(analysis_id: string, { signal }: Signal = {}): Promise<Analysis> {
    return this.call("get", "/v1/analyses/{analysis_id}", { path: { analysis_id }, signal });
  }

  /** Stops an analysis. */
  cancel(analysis_id: string, { signal }: Signal = {}): Promise<Analysis> {
    return this.call("post", "/v1/analyses/{analysis_id}/cancel", { path: { analysis_id }, signal });
  }

  /** Follows an analysis to its end: each state that differs from the one before. Connections that break are made anew. */
  async *follow(analysis_id: string, options: FollowOptions = {}): AsyncGenerator<Analysis, void, undefined> {
    const path = fill("/v1/analyses/{analysis_id}/progress", { analysis_id });
    const isOver = (analysis: Analysis): boolean => analysis.status === "completed" || analysis.status === "error";
    const isLast = (event: { event: string; data: string }): boolean =>
      event.event === "progress" && isOver(JSON.parse(event.data) as Analysis);
    for await (const event of follow(this.transport, path, isLast, options)) {
      if (event.event === "progress") yield JSON.parse(event.data) as Analysis;
    }
  }

  /** Waits for an analysis to be completed. Throws an `ApiError` of type `analysis-failed` where it fails. */
  async completed(analysis_id: string, options: FollowOptions = {}): Promise<Analysis> {
    let last: Analysis | undefined;
    for await (const state of this.follow(analysis_id, options)) last = state;
    last ??= await this.analysis(analysis_id, options);
    if (last.status === "completed") return last;
    const type = "https://arsis-audio.github.io/arsis/problems/analysis-failed" as const;
    const problem = { type, title: "The analysis failed", ...(last.error_message != null && { detail: last.error_message }) };
    throw new ApiError(409, new Headers(), problem);
  }

  /** Manifest and frames of a completed analysis. Throws a `NotReadyError` before that. */
  results(analysis_id: string, { signal }: Signal = {}): Promise<Results> {
    return Results.open(this.transport, this.chunks, analysis_id, signal);
  }

  /** Beats, onsets, sections and more, in order of time. Throws a `NotReadyError` before the analysis is completed. */
  events(analysis_id: string, query: QueryOf<"/v1/analyses/{analysis_id}/events"> = {}, { signal }: Signal = {}): AsyncGenerator<Event, void, undefined> {
    return items((cursor) => this.call("get", "/v1/analyses/{analysis_id}/events", { path: { analysis_id }, query: { ...query, ...(cursor && { cursor }) }, signal }));
  }
}
