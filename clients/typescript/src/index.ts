/** Client of Arsis' HTTP API. */

export { ArsisClient } from "./client.js";
export type { AnalysisRequest, ClientOptions, Event, Track } from "./client.js";
export type { Answer, Call, Method, PathsWith } from "./api.js";
export { ApiError, FormatError, NotReadyError } from "./errors.js";
export type { Analysis, FieldError, ProblemDocument } from "./errors.js";
export { EventStreamParser } from "./event-stream.js";
export type { ServerEvent } from "./event-stream.js";
export type { FollowOptions } from "./follow.js";
export { chooseLevel, crc32, decodeChunk, Frames, framesMeeting } from "./frames.js";
export type { Chunk, ChunkEntry, Field, FrameLayout, Level, Manifest, SampleType } from "./frames.js";
export { ChunkCache, Results } from "./results.js";
export type { Span } from "./results.js";
export type { components, operations, paths } from "./schema.js";
export { Transport } from "./transport.js";
export type { RequestOptions, TransportOptions } from "./transport.js";
export type { UploadOptions } from "./upload.js";
