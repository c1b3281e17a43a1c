/** Whether the server is there: told by every request, and by the browser where it knows that it is offline. */

import { effect, signal, untracked } from "@preact/signals";

/** `lost` while nothing reaches the server. */
export const connection = signal<"ok" | "lost">("ok");
/** Grows whenever what failed for want of a server or of a session may work again: to be watched by what reads anew then. */
export const renewals = signal(0);
/** Runs something each time that what failed may work again, not now. What it gives ends it. */
export function onRenewal(run: () => void): () => void {
  let seen = renewals.peek();
  return effect(() => {
    if (renewals.value === seen) return;
    seen = renewals.value;
    untracked(run);
  });
}

/** When the server is looked for next, in ms since 1970; null while that is going on, or not needed. */
export const nextTry = signal<number | null>(null);

/** Told of answers that refuse the person: who is signed in is not known here. */
export const refusals = { onAnswer: (_response: Response): void => {} };

/** One request that fails and succeeds a moment later is no reason to alarm anybody. */
const GRACE_MS = 700;
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 30_000;

let grace: ReturnType<typeof setTimeout> | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
let wait = FIRST_WAIT_MS;

/** `fetch` that notes what came of it. */
export const watchedFetch: typeof fetch = async (input, init) => {
  try {
    const response = await fetch(input, init);
    found();
    if (response.status === 401 || response.status === 403) refusals.onAnswer(response.clone());
    return response;
  } catch (error) {
    // What was stopped on purpose is a DOMException.
    if (error instanceof TypeError) missed();
    throw error;
  }
};

function missed(): void {
  if (connection.peek() === "ok") grace ??= setTimeout(lose, navigator.onLine ? GRACE_MS : 0);
}

function found(): void {
  clearTimeout(grace);
  grace = undefined;
  if (connection.peek() === "ok") return;
  clearTimeout(timer);
  [timer, wait, nextTry.value] = [undefined, FIRST_WAIT_MS, null];
  connection.value = "ok";
  renewals.value += 1;
}

function lose(): void {
  grace = undefined;
  if (connection.peek() === "lost") return;
  connection.value = "lost";
  schedule();
}

function schedule(): void {
  clearTimeout(timer);
  nextTry.value = Date.now() + wait;
  timer = setTimeout(() => void tryNow(), wait);
  wait = Math.min(wait * 2, LONGEST_WAIT_MS);
}

/** Looks for the server at once. */
export async function tryNow(): Promise<void> {
  clearTimeout(timer);
  nextTry.value = null;
  try {
    await watchedFetch("/v1/me", { cache: "no-store" });
  } catch {
    schedule();
  }
}

addEventListener("offline", lose);
addEventListener("online", () => void (connection.peek() === "lost" && tryNow()));
