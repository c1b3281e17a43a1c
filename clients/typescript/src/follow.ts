/** Following what the server tells as it happens, over connections that may break. */

import { ApiError } from "./errors.js";
import { EventStreamParser } from "./event-stream.js";
import type { ServerEvent } from "./event-stream.js";
import { sleep } from "./transport.js";
import type { Transport } from "./transport.js";

/** How to follow. */
export interface FollowOptions {
  readonly signal?: AbortSignal;
  /** Go on behind this event. */
  readonly lastEventId?: string;
  /** Connections in a row that may break without a word before it is given up. Default 5. */
  readonly maxBreaks?: number;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/**
 * Events of a stream until `isLast` says so, or the server does (204). A connection that breaks is made anew, behind the last
 * event that was heard.
 */
export async function* follow(
  transport: Transport,
  path: string,
  isLast: (event: ServerEvent) => boolean,
  options: FollowOptions = {},
): AsyncGenerator<ServerEvent, void, undefined> {
  const { signal, maxBreaks = 5 } = options;
  let lastEventId = options.lastEventId ?? "";
  let retryMs: number | undefined;
  for (let breaks = 0; breaks <= maxBreaks; breaks += 1) {
    if (breaks > 0) await sleep(retryMs ?? Math.min(FIRST_WAIT_MS * 2 ** (breaks - 1), LONGEST_WAIT_MS), signal);
    const headers: Record<string, string> = { accept: "text/event-stream, application/problem+json" };
    if (lastEventId) headers["last-event-id"] = lastEventId;
    const response = await transport.send(path, { headers, signal });
    if (response.status === 204 || !response.body) return;
    const parser = new EventStreamParser(lastEventId);
    try {
      for await (const event of eventsOf(response.body, parser)) {
        lastEventId = parser.lastEventId;
        breaks = 0;
        yield event;
        if (isLast(event)) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      // A stream that breaks off is a TypeError; what else is thrown here is the listener's own.
      if (!(error instanceof TypeError)) throw error;
    }
    retryMs = parser.retryMs ?? retryMs;
  }
  throw new ApiError(503, new Headers(), { title: "The stream broke off again and again" });
}

/** The events of a body. It is let go of when the listener stops. */
async function* eventsOf(body: ReadableStream<Uint8Array>, parser: EventStreamParser): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => undefined); // broken already
  }
}
