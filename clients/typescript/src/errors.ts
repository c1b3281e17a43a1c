/** What can go wrong, as classes that a program can tell apart. */

import type { components } from "./schema.js";

/** A problem document (RFC 9457). */
export type ProblemDocument = components["schemas"]["Problem"];
/** One value that is not allowed, and where it stands. */
export type FieldError = components["schemas"]["FieldError"];
/** An analysis, as the server tells of it. */
export type Analysis = components["schemas"]["Analysis"];

const TYPE_BASE = "https://arsis-audio.github.io/arsis/problems/";

/** The server's answer is a problem. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  /** URI that names the kind of problem; `about:blank` where a proxy answered in the server's place. */
  readonly type: string;
  /** HTTP status. */
  readonly status: number;
  /** What happened this time, for people. */
  readonly detail: string | undefined;
  /** Values that are not allowed. */
  readonly errors: readonly FieldError[];
  /** Names the request in the server's log. */
  readonly requestId: string | undefined;
  /** When asking again makes sense, in ms from now. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, headers: Headers, problem: Partial<ProblemDocument>) {
    const title = problem.title ?? `HTTP ${status}`;
    super(problem.detail == null ? title : `${title}: ${problem.detail}`);
    this.type = problem.type ?? "about:blank";
    this.status = status;
    this.detail = problem.detail ?? undefined;
    this.errors = problem.errors ?? [];
    this.requestId = headers.get("x-request-id") ?? undefined;
    this.retryAfterMs = retryAfterMs(headers);
  }

  /** The last part of `type`, such as `session-expired`; empty where the type is not one of Arsis'. */
  get slug(): string {
    return this.type.startsWith(TYPE_BASE) ? this.type.slice(TYPE_BASE.length) : "";
  }

  /** Reads the problem out of an answer. */
  static async of(response: Response): Promise<ApiError> {
    const text = await response.text().catch(() => "");
    let problem: Partial<ProblemDocument> = {};
    if (/^application\/(problem\+)?json\b/i.test(response.headers.get("content-type") ?? "")) {
      try {
        const read: unknown = JSON.parse(text);
        if (typeof read === "object" && read !== null) problem = read as Partial<ProblemDocument>;
      } catch {
        // Cut off on its way: the status alone is known.
      }
    }
    return new ApiError(response.status, response.headers, problem);
  }
}

/** What was asked for is still being computed. */
export class NotReadyError extends Error {
  override readonly name = "NotReadyError";

  constructor(
    /** How far it is. */
    readonly analysis: Analysis,
    /** When to ask again, in ms from now. */
    readonly retryAfterMs: number,
  ) {
    super(`analysis ${analysis.id} is ${analysis.status}`);
  }
}

/** 202 says that an operation was taken on; with `Retry-After`, that what was asked for is still being computed. */
export async function refuseUnready(response: Response): Promise<void> {
  const waitMs = retryAfterMs(response.headers);
  if (response.status === 202 && waitMs !== undefined) throw new NotReadyError((await response.json()) as Analysis, waitMs);
}

/** Bytes that are not what docs/FRAME-FORMAT.md describes. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/** `Retry-After` (RFC 9110, section 10.2.3: seconds or a date) as ms from now. */
export function retryAfterMs(headers: Headers, now: number = Date.now()): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
