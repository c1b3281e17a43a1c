/** Regions and annotations of a track, as the server knows them. */

import type { components } from "@arsis/client";
import { client } from "../../api";
import { session } from "../../session";
import type { Route } from "./things";

type Schemas = components["schemas"];
export type Region = Schemas["Region"];
export type RegionRequest = Schemas["RegionRequest"];
export type RegionPatch = Schemas["RegionPatch"];
export type Annotation = Schemas["Annotation"];
export type AnnotationRequest = Schemas["AnnotationRequest"];
export type AnnotationPatch = Schemas["AnnotationPatch"];

const PAGE = 500;
const tagged = (etag: string | undefined): { headers?: Record<string, string> } => (etag ? { headers: { "if-match": etag } } : {});
const keyed = (once: string): { headers: Record<string, string> } => ({ headers: { "idempotency-key": once } });

async function* pages<T>(page: (cursor: { cursor?: string }) => Promise<{ items: T[]; next_cursor?: string | null }>): AsyncGenerator<T, void, undefined> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { items, next_cursor } = await page(cursor ? { cursor } : {});
    yield* items;
    cursor = next_cursor ?? null;
  }
}

/** Who is signed in: what they make is theirs. */
export const myself = (): string => (session.value.kind === "in" ? session.value.me.user_id : "");
const unmade = () => ({ id: "", etag: "", author_id: myself(), created_at: "", updated_at: "" });

export function regionsOf(track_id: string): Route<Region, RegionRequest, RegionPatch> {
  const path = (region_id: string) => ({ path: { track_id, region_id } });
  return {
    name: "region",
    list: (signal) => pages((cursor) => client.call("get", "/v1/tracks/{track_id}/regions", { path: { track_id }, query: { limit: PAGE, ...cursor }, ...(signal && { signal }) })),
    read: (id) => client.call("get", "/v1/tracks/{track_id}/regions/{region_id}", path(id)),
    create: (json, once) => client.call("post", "/v1/tracks/{track_id}/regions", { path: { track_id }, json, ...keyed(once) }),
    update: (id, json, etag) => client.call("patch", "/v1/tracks/{track_id}/regions/{region_id}", { ...path(id), json, ...tagged(etag) }),
    remove: async (id, etag) => void (await client.call("delete", "/v1/tracks/{track_id}/regions/{region_id}", { ...path(id), ...tagged(etag) })),
    again: ({ name, description, section_type, color, display_order, start_time_ms, end_time_ms }) =>
      ({ name, description: description ?? null, section_type: section_type ?? null, color: color ?? null, display_order, start_time_ms, end_time_ms }),
    // Without a place in the list it comes by time, or last where the list has an order.
    guess: (json) => ({ ...unmade(), track_id, ...json, display_order: json.display_order ?? 1_000_000 }),
    order: (a, b) => a.display_order - b.display_order || a.start_time_ms - b.start_time_ms || (a.id < b.id ? -1 : 1),
  };
}

export function annotationsOf(track_id: string): Route<Annotation, AnnotationRequest, AnnotationPatch> {
  const path = (annotation_id: string) => ({ path: { track_id, annotation_id } });
  return {
    name: "annotation",
    list: (signal) => pages((cursor) => client.call("get", "/v1/tracks/{track_id}/annotations", { path: { track_id }, query: { limit: PAGE, ...cursor }, ...(signal && { signal }) })),
    read: (id) => client.call("get", "/v1/tracks/{track_id}/annotations/{annotation_id}", path(id)),
    create: (json, once) => client.call("post", "/v1/tracks/{track_id}/annotations", { path: { track_id }, json, ...keyed(once) }),
    update: (id, json, etag) => client.call("patch", "/v1/tracks/{track_id}/annotations/{annotation_id}", { ...path(id), json, ...tagged(etag) }),
    remove: async (id, etag) => void (await client.call("delete", "/v1/tracks/{track_id}/annotations/{annotation_id}", { ...path(id), ...tagged(etag) })),
    again: ({ title, content, category, color, is_private, start_time_ms, end_time_ms }) =>
      ({ title, content: content ?? null, category: category ?? null, color: color ?? null, is_private, start_time_ms, end_time_ms: end_time_ms ?? null }),
    guess: (json) => ({ ...unmade(), track_id, ...json, is_private: json.is_private ?? true }),
    order: (a, b) => a.start_time_ms - b.start_time_ms || (a.id < b.id ? -1 : 1),
  };
}
