/** Who is signed in. The token is put into a cookie that no script can read; the page keeps nothing of it. */

import type { components } from "@arsis/client";
import { signal } from "@preact/signals";
import { client, explain, isSignedOut } from "./api";
import { navigate } from "./route";

export type Me = components["schemas"]["Me"];

export type Session =
  | { readonly kind: "checking" }
  | { readonly kind: "in"; readonly me: Me }
  | { readonly kind: "out"; readonly why?: string | undefined }
  /** The server did not answer: whether anybody is signed in is not known. */
  | { readonly kind: "unknown"; readonly why: string };

export const session = signal<Session>({ kind: "checking" });

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

export async function signIn(token: string): Promise<void> {
  session.value = { kind: "checking" };
  try {
    await client.send("/v1/me/session/cookie", { method: "POST", headers: { authorization: `Bearer ${token.trim()}` } });
  } catch (error) {
    session.value = isSignedOut(error) ? { kind: "out", why: "That token opens nothing: it may be mistyped, used up or over." } : { kind: "out", why: explain(error).title };
    return;
  }
  await look();
}

async function look(): Promise<void> {
  try {
    session.value = { kind: "in", me: await client.call("get", "/v1/me", {}) };
  } catch (error) {
    session.value = isSignedOut(error) ? { kind: "out" } : { kind: "unknown", why: explain(error).title };
  }
}

export async function signOut(): Promise<void> {
  await client.send("/v1/me/session", { method: "DELETE" });
  session.value = { kind: "out" };
}

/** To be called with every failure that has no better place: says so where the session is over. */
export function noticeEnd(error: unknown): boolean {
  if (!isSignedOut(error)) return false;
  session.value = { kind: "out", why: "Your session is over. Sign in again; what is stored is safe." };
  return true;
}
