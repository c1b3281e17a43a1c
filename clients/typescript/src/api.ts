/** Every route by its path, typed by the server's own description. */

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
type JsonOf<A> = A extends { content: { "application/json": infer B } } ? B : never;
type Good = 200 | 201 | 202;

/** What an operation answers in JSON when all is well. */
export type Answer<P extends keyof paths, M extends Method> = {
  [S in keyof Answers<OperationOf<P, M>> & Good]: JsonOf<Answers<OperationOf<P, M>>[S]>;
}[keyof Answers<OperationOf<P, M>> & Good];

/** What a request may carry. */
export type Call<P extends keyof paths, M extends Method> = {
  readonly query?: NonNullable<ParametersOf<OperationOf<P, M>, "query">>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
} & (ParametersOf<OperationOf<P, M>, "path"> extends infer V ? ([V] extends [never] ? unknown : [V] extends [undefined] ? unknown : { readonly path: V }) : never) &
  ([JsonBody<OperationOf<P, M>>] extends [never] ? unknown : { readonly json: JsonBody<OperationOf<P, M>> });

/** Asks; the answer is JSON, or undefined where there is none. */
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
  const options = { method: method.toUpperCase(), ...(query && { query }), ...(headers && { headers }), json, signal };
  const response = await transport.send(filled, options);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as Answer<P, M>;
}

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
