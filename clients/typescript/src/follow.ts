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
  /**
   * Connections in a row that may fail or break before it is given up. One that brought an event, or lasted 10 s, begins the count
   * anew. Default 8: with waits that double to 10 s, a server may be away for half a minute at least.
   */
  readonly maxBreaks?: number;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 10_000;
/** A connection that lasted this long was a good one, whatever ended it. */
const STEADY_MS = 10_000;

/**
 * Events of a stream until `isLast` says so, or the server does (204). A connection that breaks, or cannot be made for a while, is
 * made anew, behind the last event that was heard.
 */
export async function* follow(
  transport: Transport,
  path: string,
  isLast: (event: ServerEvent) => boolean,
  options: FollowOptions = {},
): AsyncGenerator<ServerEvent, void, undefined> {
  const { signal, maxBreaks = 8 } = options;
  let lastEventId = options.lastEventId ?? "";
  let waitMs = FIRST_WAIT_MS;
  for (let breaks = 0; ; ) {
    let connectedAt = Infinity;
    let failure: unknown = new ApiError(503, new Headers(), { title: "The stream broke off again and again" });
    const parser = new EventStreamParser(lastEventId);
    try {
      const headers: Record<string, string> = { accept: "text/event-stream, application/problem+json" };
      if (lastEventId) headers["last-event-id"] = lastEventId;
      // Tried again here, with waits that are long enough for a server to be started anew.
      const response = await transport.send(path, { headers, signal, maxRetries: 0 });
      connectedAt = Date.now();
      if (response.status === 204 || !response.body) return;
      for await (const event of eventsOf(response.body, parser)) {
        lastEventId = parser.lastEventId;
        breaks = 0;
        yield event;
        if (isLast(event)) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      failure = error;
    }
    if (Date.now() - connectedAt >= STEADY_MS) breaks = 0;
    waitMs = parser.retryMs ?? waitMs;
    // From what the server asks for on; a half of it is left to chance.
    const longestMs = Math.max(Math.min(waitMs * 2 ** (breaks + 1), LONGEST_WAIT_MS), waitMs * 2);
    const wait = transport.waitAfter(failure, longestMs);
    breaks += 1;
    if (wait === undefined || breaks > maxBreaks) throw failure;
    await sleep(wait, signal);
  }
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
