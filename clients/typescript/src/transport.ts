/** Requests: who asks, what is tried again, and what an answer means. */

import { ApiError } from "./errors.js";

/** How requests are made. */
export interface TransportOptions {
  /** Where the server is, `https://arsis.example.org`. */
  readonly baseUrl: string;
  /** A session token, or what gives one for each request. Without one, the browser's session cookie is sent along. */
  readonly token?: string | (() => string | Promise<string>);
  /** How often a request that may be repeated is tried again. Default 3. */
  readonly maxRetries?: number;
  /** Longest wait between two tries, in ms; a server that asks for a longer one is not asked again. Default 30 000. */
  readonly maxWaitMs?: number;
  /** What makes requests. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch;
}

/** One request. */
export interface RequestOptions {
  readonly method?: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. Called for each try: a stream can be read once only. */
  readonly body?: () => { body: NonNullable<RequestInit["body"]>; headers?: Record<string, string>; duplex?: "half" };
  readonly signal?: AbortSignal | undefined;
  /** How often this one is tried again, in place of the transport's `maxRetries`. */
  readonly maxRetries?: number;
}

/** Statuses that another try may change: too early, too often, or a server that cannot now. */
const PASSING = new Set([408, 425, 429, 502, 503, 504]);
const FIRST_WAIT_MS = 250;

export class Transport {
  readonly baseUrl: string;
  readonly #token: TransportOptions["token"];
  readonly #maxRetries: number;
  readonly #maxWaitMs: number;
  readonly #fetch: typeof fetch;

  constructor(options: TransportOptions) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, "");
    this.#token = options.token;
    this.#maxRetries = options.maxRetries ?? 3;
    this.#maxWaitMs = options.maxWaitMs ?? 30_000;
    // Called as a function of no object: browsers refuse it otherwise.
    const given = options.fetch ?? globalThis.fetch;
    this.#fetch = (...request) => given(...request);
  }

  /** An answer whose status is below 400. POSTs get an `Idempotency-Key`, so that they can be repeated as all others can. */
  async send(path: string, options: RequestOptions = {}): Promise<Response> {
    const method = (options.method ?? "GET").toUpperCase();
    const headers = new Headers(options.headers);
    if (!headers.has("accept")) headers.set("accept", "application/json");
    if (method === "POST" && !headers.has("idempotency-key")) headers.set("idempotency-key", idempotencyKey());
    const maxRetries = options.maxRetries ?? this.#maxRetries;
    const url = this.url(path, options.query);
    for (let tries = 0; ; tries += 1) {
      options.signal?.throwIfAborted();
      const failure = await this.#once(url, method, headers, options);
      if (failure instanceof Response) return failure;
      const wait = tries < maxRetries ? this.waitAfter(failure, FIRST_WAIT_MS * 2 ** tries) : undefined;
      if (wait === undefined) throw failure;
      await sleep(wait, options.signal);
    }
  }

  /** The address of a path with a query; what is undefined or null is left out. */
  url(path: string, query: RequestOptions["query"] = {}): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== null) parameters.append(name, String(value));
    }
    const text = parameters.toString();
    return this.baseUrl + path + (text && `?${text}`);
  }

  /** The headers that say who asks. */
  async authorization(): Promise<Record<string, string>> {
    const token = typeof this.#token === "function" ? await this.#token() : this.#token;
    return token ? { authorization: `Bearer ${token}` } : {};
  }

  /** One try: an answer, or what stands in its way. */
  async #once(url: string, method: string, headers: Headers, options: RequestOptions): Promise<unknown> {
    const made = options.body?.();
    const all = new Headers(headers);
    for (const [name, value] of Object.entries({ ...(await this.authorization()), ...made?.headers })) all.set(name, value);
    const init: RequestInit & { duplex?: "half" } = { method, headers: all };
    if (options.signal) init.signal = options.signal;
    // A cookie is sent to another origin only where nothing else says who asks.
    if (!all.has("authorization")) init.credentials = "include";
    if (options.json !== undefined) {
      if (!all.has("content-type")) all.set("content-type", "application/json");
      init.body = JSON.stringify(options.json);
    }
    if (made) init.body = made.body;
    if (made?.duplex) init.duplex = made.duplex;
    try {
      const response = await this.#fetch(url, init);
      return response.status < 400 ? response : await ApiError.of(response);
    } catch (error) {
      options.signal?.throwIfAborted();
      return error;
    }
  }

  /** How long to wait before another try, in ms: half of `longestMs` at least, by chance; undefined where it would not help. */
  waitAfter(failure: unknown, longestMs: number): number | undefined {
    const backoff = longestMs * (0.5 + Math.random() / 2); // not all clients at once
    if (!(failure instanceof ApiError)) {
      return failure instanceof TypeError ? Math.min(backoff, this.#maxWaitMs) : undefined; // fetch's network errors
    }
    const passes = PASSING.has(failure.status) || failure.slug === "idempotency-key-in-use";
    const wait = Math.max(failure.retryAfterMs ?? 0, backoff);
    return passes && (failure.retryAfterMs ?? 0) <= this.#maxWaitMs ? Math.min(wait, this.#maxWaitMs) : undefined;
  }
}

/** A key that no other request has. `crypto.randomUUID` is not there on pages without TLS. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Waits, and rejects when the signal is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
