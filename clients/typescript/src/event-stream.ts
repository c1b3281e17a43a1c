/** Server-sent events (WHATWG HTML, section 9.2), read from a stream of a fetch: unlike `EventSource`, with headers. */

/** One event. */
export interface ServerEvent {
  /** Its type; `message` where the stream names none. */
  readonly event: string;
  readonly data: string;
  /** The last id that the stream gave; empty where it gave none. */
  readonly id: string;
}

/** Reads events out of text that comes in pieces, cut anywhere. */
export class EventStreamParser {
  /** The last id given, for `Last-Event-ID`. */
  lastEventId = "";
  /** How long to wait before connecting again, in ms, where the stream says so. */
  retryMs: number | undefined;
  #rest = "";
  /** A character that the next piece may begin with, and that means nothing there: a byte order mark, or half a line's end. */
  #skip = "\uFEFF";
  #event = "";
  #data: string[] = [];
  #id = "";

  constructor(lastEventId = "") {
    this.lastEventId = this.#id = lastEventId;
  }

  /** Takes in a piece; gives the events that are complete with it. An event without its blank line is none. */
  push(piece: string): ServerEvent[] {
    if (!piece) return [];
    if (this.#skip && piece.startsWith(this.#skip)) piece = piece.slice(1);
    this.#skip = "";
    const text = this.#rest + piece;
    const events: ServerEvent[] = [];
    let begin = 0;
    for (const { index, 0: end } of text.matchAll(/\r\n|\n|\r/g)) {
      // The other half of this line's end may be what comes next.
      if (end === "\r" && index + 1 === text.length) this.#skip = "\n";
      const event = this.#line(text.slice(begin, index));
      if (event) events.push(event);
      begin = index + end.length;
    }
    this.#rest = text.slice(begin);
    return events;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  #dispatch(): ServerEvent | undefined {
    this.lastEventId = this.#id;
    const event = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    const empty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return empty ? undefined : event;
  }
}
