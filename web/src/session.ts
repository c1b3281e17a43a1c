/** Who is signed in. The token is put into a cookie that no script can read; the page keeps nothing of it. */

import type { components } from "@arsis/client";
import { computed, signal } from "@preact/signals";
import { client, explain, isOfSession, isSignedOut, isUnapproved } from "./api";
import { refusals, renewals } from "./connection";
import { navigate } from "./route";

export type Me = components["schemas"]["Me"];

/** Where a session ended in the middle of things, `was` says whose: their page stays as it is until they are back. */
export type Session =
  | { readonly kind: "checking"; readonly was?: Me | undefined }
  | { readonly kind: "in"; readonly me: Me }
  | { readonly kind: "out"; readonly why?: string | undefined; readonly was?: Me | undefined }
  /** The account waits for approval, or has lost it. */
  | { readonly kind: "unapproved"; readonly was?: Me | undefined; readonly again: () => void }
  /** The server did not answer: whether anybody is signed in is not known. */
  | { readonly kind: "unknown"; readonly why: string; readonly was?: Me | undefined; readonly again: () => void };

export const session = signal<Session>({ kind: "checking" });

/** Whose page is shown: who is signed in, or was until a moment ago. */
export const person = computed<Me | undefined>(() => (session.value.kind === "in" ? session.value.me : session.value.was));

/** Takes the token of the address, if there is one, and finds out who is here. */
export async function start(): Promise<void> {
  const token = tokenOfAddress();
  if (token) return signIn(token);
  await look();
}

/** The token of `/?token=…` or `/#token=…`, which then leaves the address bar and the history. */
function tokenOfAddress(): string | undefined {
  const [query, hash] = [new URLSearchParams(location.search), new URLSearchParams(location.hash.slice(1))];
  const token = query.get("token") ?? hash.get("token") ?? undefined;
  if (token) {
    query.delete("token");
    navigate(location.pathname + (query.size ? `?${query}` : ""), { replace: true });
  }
  return token;
}

/** The token of what somebody pasted: the token, or a whole link with it. */
export function tokenIn(text: string): string {
  const link = /[?#&]token=([^&#\s]+)/.exec(text);
  if (!link) return text.trim();
  try {
    return decodeURIComponent(link[1]!);
  } catch {
    return link[1]!;
  }
}

export async function signIn(token: string): Promise<void> {
  const was = person.peek();
  session.value = { kind: "checking", was };
  try {
    await client.send("/v1/me/session/cookie", { method: "POST", headers: { authorization: `Bearer ${token}` } });
  } catch (error) {
    if (isSignedOut(error)) session.value = { kind: "out", was, why: "That token opens nothing: it may be mistyped, used up or over." };
    else fail(error, was, () => void signIn(token));
    return;
  }
  await look();
}

async function look(): Promise<void> {
  const was = person.peek();
  session.value = { kind: "checking", was };
  try {
    session.value = { kind: "in", me: await client.call("get", "/v1/me", {}) };
    renewals.value += 1;
  } catch (error) {
    if (isSignedOut(error)) session.value = { kind: "out", was };
    else fail(error, was, () => void look());
  }
}

function fail(error: unknown, was: Me | undefined, again: () => void): void {
  if (isUnapproved(error)) session.value = { kind: "unapproved", was, again };
  else session.value = { kind: "unknown", was, why: explain(error).title, again };
}

export async function signOut(): Promise<void> {
  await client.send("/v1/me/session", { method: "DELETE" });
  session.value = { kind: "out", why: "You are signed out." };
}

/** Lets another person sign in. */
export function signInAnew(): void {
  session.value = { kind: "out" };
}

/** To be called with every failure that has no better place: says so where the session is over. */
export function noticeEnd(error: unknown): boolean {
  if (isSignedOut(error)) end();
  return isOfSession(error);
}

function end(): void {
  const at = session.peek();
  if (at.kind === "in") session.value = { kind: "out", was: at.me, why: "Your session is over. Sign in again; what is stored is safe, and this page stays as it is." };
}

// Whatever part of the page asked: the first refusal of the person is the end of their session.
refusals.onAnswer = async (response) => {
  const at = session.peek();
  if (at.kind !== "in") return;
  if (response.status === 401) return end();
  const problem = (await response.json().catch(() => ({}))) as { type?: string };
  if (problem.type?.endsWith("/account-not-approved") && session.peek() === at) session.value = { kind: "unapproved", was: at.me, again: () => void look() };
};
