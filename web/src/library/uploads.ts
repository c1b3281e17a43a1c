/** Uploads under way: two at a time, whichever page is shown. */

import type { Track } from "@arsis/client";
import { ApiError } from "@arsis/client";
import { computed, effect, signal } from "@preact/signals";
import { client, explain, isSignedOut } from "../api";
import { renewals, tryNow } from "../connection";
import { noticeEnd, person, session } from "../session";
import { size } from "../format";
import { added } from "./tracks";

export type UploadState =
  | { readonly kind: "waiting" }
  | { readonly kind: "sending" }
  | { readonly kind: "done"; readonly track: Track }
  /** `isFinal` where the file itself cannot pass. `passes` where it was no fault of the file: it is tried again by itself once the server is there. */
  | { readonly kind: "failed"; readonly why: string; readonly passes: boolean; readonly isFinal: boolean };

const AT_A_TIME = 2;
/** Over how long the rate is measured, in ms. */
const RATE_WINDOW_MS = 4_000;

export class Upload {
  readonly state = signal<UploadState>({ kind: "waiting" });
  readonly sentBytes = signal(0);
  /** Bytes a second, by the last seconds; null until there is something to go by. */
  readonly rate = signal<number | null>(null);
  #stop = new AbortController();
  /** The same for all tries: an upload whose answer was lost makes no second track. */
  readonly #key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  #samples: { at: number; sent: number }[] = [];

  constructor(
    readonly id: number,
    readonly file: File,
  ) {}

  async send(): Promise<void> {
    this.#stop = new AbortController();
    this.#samples = [{ at: performance.now(), sent: 0 }];
    [this.sentBytes.value, this.rate.value, this.state.value] = [0, null, { kind: "sending" }];
    try {
      const { signal } = this.#stop;
      const { track } = await client.upload(this.file, { idempotencyKey: this.#key, signal, onProgress: (sent, total) => this.#note(sent, total) });
      this.state.value = { kind: "done", track };
      added(track);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(error);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  #note(sent: number, total: number): void {
    // What frames the file in the form is not the file's.
    this.sentBytes.value = Math.min(this.file.size, Math.round((sent / total) * this.file.size));
    const at = performance.now();
    this.#samples = [...this.#samples.filter((one) => at - one.at < RATE_WINDOW_MS), { at, sent }];
    const first = this.#samples[0]!;
    if (at - first.at > 300) this.rate.value = ((sent - first.sent) / (at - first.at)) * 1000;
  }

  #fail(error: unknown): void {
    const isLost = error instanceof TypeError;
    if (isLost) void tryNow();
    noticeEnd(error);
    this.state.value = { kind: "failed", why: reason(error, this.file), passes: isLost || isSignedOut(error), isFinal: error instanceof ApiError && FINAL.includes(error.status) };
  }
}

const FINAL: readonly number[] = [413, 415, 422];
const capital = (text: string): string => text.replace(/^./, (first) => first.toUpperCase());

/** Why an upload did not come through, and what can be done. */
function reason(error: unknown, file: File): string {
  if (error instanceof ApiError) {
    if (error.status === 413) return `Too large: ${size(file.size)}. ${error.detail ?? "The server takes smaller files only."}`;
    if (error.status === 415) return `No audio that can be read. ${capital(error.detail ?? "")}`.trim();
    if (error.status === 401) return "The session is over. It goes on once you have signed in.";
  }
  if (error instanceof TypeError) return "The connection broke off before the file was there.";
  const { title, detail } = explain(error);
  return detail ? `${title}. ${detail}` : title;
}

export const uploads = signal<readonly Upload[]>([]);
let last = 0;

const is = (kind: UploadState["kind"]) => (one: Upload): boolean => one.state.value.kind === kind;
/** How many are still to come through. */
export const underWay = computed(() => uploads.value.filter((one) => is("waiting")(one) || is("sending")(one)).length);

export function upload(files: readonly File[]): void {
  const more = files.map((file) => new Upload((last += 1), file));
  // Those that came through before make room, unless they are all there is.
  const kept = underWay.peek() > 0 ? uploads.peek() : uploads.peek().filter((one) => one.state.peek().kind === "failed");
  uploads.value = [...kept, ...more];
}

export function retry(one: Upload): void {
  one.state.value = { kind: "waiting" };
}

/** Stops an upload, or takes it off the list. */
export function remove(one: Upload): void {
  one.stop();
  uploads.value = uploads.peek().filter((other) => other !== one);
}

/** Takes off the list what has come through. */
export function clearDone(): void {
  if (uploads.peek().some((one) => one.state.peek().kind === "done")) uploads.value = uploads.peek().filter((one) => one.state.peek().kind !== "done");
}

export function removeAll(): void {
  for (const one of uploads.peek()) one.stop();
  uploads.value = [];
}

// Whenever one has ended or come, the next begins.
effect(() => {
  if (session.value.kind !== "in") return;
  const room = AT_A_TIME - uploads.value.filter(is("sending")).length;
  const next = uploads.value.filter(is("waiting")).slice(0, Math.max(0, room));
  if (next.length) queueMicrotask(() => next.forEach((one) => one.state.peek().kind === "waiting" && void one.send()));
});

effect(() => {
  if (renewals.value === 0) return;
  for (const one of uploads.peek()) {
    const state = one.state.peek();
    if (state.kind === "failed" && state.passes) retry(one);
  }
});

// One person's files do not go into another's library.
let owner: string | undefined;
effect(() => {
  const now = person.value?.user_id;
  if (owner && now !== owner) removeAll();
  owner = now;
});

const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
effect(() => {
  if (underWay.value > 0) addEventListener("beforeunload", warn);
  else removeEventListener("beforeunload", warn);
});
