/** Every route by its path, typed by the server's own description. */

import { refuseUnready } from "./errors.js";
import type { paths } from "./schema.js";
import type { Transport } from "./transport.js";

/** Methods that the description knows. */
export type Method = "get" | "post" | "put" | "patch" | "delete";
/** Paths that have a method. */
export type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];

type OperationOf<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type ParametersOf<O, K extends string> = O extends { parameters: Partial<Record<K, infer V>> } ? V : never;
type BodyOf<O> = O extends { requestBody?: infer R } ? NonNullable<R> : never;
type JsonBody<O> = [BodyOf<O>] extends [never] ? never : BodyOf<O> extends { content: { "application/json": infer B } } ? B : never;
type Answers<O> = O extends { responses: infer R } ? R : never;
type Text = `text/${string}` | "application/xml" | "application/x-ndjson" | "application/openmetrics-text";
type Read<Type, B> = Type extends "application/json" ? B : Type extends Text ? (B extends string ? B : never) : never;
type ContentOf<A> = A extends { content: infer C } ? { [Type in keyof C]: Read<Type, C[Type]> }[keyof C] : undefined;
/** Statuses of what was asked for. Beside 200, a 202 says that it is not there yet, which is no answer but an error. */
type Good<S> = 200 extends S ? S & (200 | 201 | 204) : S & (201 | 202 | 204);

/** What an operation answers when all is well: JSON, text as a string, undefined where there is nothing to say. */
export type Answer<P extends keyof paths, M extends Method> = {
  [S in Good<keyof Answers<OperationOf<P, M>>>]: ContentOf<Answers<OperationOf<P, M>>[S]>;
}[Good<keyof Answers<OperationOf<P, M>>>];

/** What a request may carry. */
export type Call<P extends keyof paths, M extends Method> = {
  readonly query?: NonNullable<ParametersOf<OperationOf<P, M>, "query">>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
} & (ParametersOf<OperationOf<P, M>, "path"> extends infer V ? ([V] extends [never] ? unknown : [V] extends [undefined] ? unknown : { readonly path: V }) : never) &
  ([JsonBody<OperationOf<P, M>>] extends [never] ? unknown : { readonly json: JsonBody<OperationOf<P, M>> });

/** Asks; the answer is JSON, text, or undefined where there is none. Throws a `NotReadyError` where it is still being computed. */
export async function call<M extends Method, P extends PathsWith<M>>(
  transport: Transport,
  method: M,
  path: P,
  given: Call<P, M>,
): Promise<Answer<P, M>> {
  const { path: parts, query, headers, json, signal } = given as Partial<Record<"path" | "query", Record<string, unknown>>> & {
    headers?: Record<string, string>;
    json?: unknown;
    signal?: AbortSignal;
  };
  const filled = fill(path as string, parts ?? {});
  const response = await transport.send(filled, { method, ...(query && { query }), ...(headers && { headers }), json, signal });
  await refuseUnready(response);
  return (await read(response, filled)) as Answer<P, M>;
}

async function read(response: Response, path: string): Promise<unknown> {
  const type = (response.headers.get("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
  if (type === "application/json" || type === "") {
    const text = await response.text();
    return text ? JSON.parse(text) : undefined;
  }
  if (isText(type)) return response.text();
  await response.body?.cancel();
  throw new TypeError(`${path} answers ${type}, which call does not read: ask with send`);
}

const isText = (type: string): type is Text =>
  /^text\/(?!event-stream$)|^application\/(xml|x-ndjson|openmetrics-text)$/.test(type);

/** A path with its parameters in place. */
export function fill(path: string, parts: Readonly<Record<string, unknown>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const part = parts[name];
    const text = part === undefined || part === null ? "" : String(part);
    // Dots alone would be resolved away by whatever reads the address, escaped or not.
    if (/^\.{0,2}$/.test(text)) throw new TypeError(`${path} needs ${name}`);
    return encodeURIComponent(text);
  });
}

/** Items of all pages, each page fetched when it is needed. */
export async function* items<T>(page: (cursor: string | undefined) => Promise<{ items: T[]; next_cursor?: string | null }>): AsyncGenerator<T, void, undefined> {
  for (let cursor: string | undefined; ; ) {
    const { items, next_cursor } = await page(cursor);
    yield* items;
    if (!next_cursor) return;
    cursor = next_cursor;
  }
}
