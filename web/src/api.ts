/** The server, and what its refusals mean to a person. */

import { ApiError, ArsisClient } from "@arsis/client";
import { watchedFetch } from "./connection";

/** One client for the page: same origin, the session in a cookie that scripts cannot read. */
export const client = new ArsisClient({ baseUrl: location.origin, fetch: watchedFetch });

/** What went wrong, and what to do about it. */
export interface Explained {
  readonly title: string;
  readonly detail?: string | undefined;
}

/** Words for a failure. */
export function explain(error: unknown): Explained {
  if (error instanceof ApiError) {
    const [title] = error.message.split(": ", 1);
    const fields = error.errors.map((one) => one.detail).filter(Boolean).join("; ");
    return { title: title ?? error.message, detail: [error.detail, fields].filter(Boolean).join(" ") || undefined };
  }
  if (error instanceof TypeError) return { title: "The server cannot be reached", detail: "Check the connection; what was done here is kept and can be tried again." };
  return { title: "Something went wrong", detail: error instanceof Error ? error.message : String(error) };
}

/** Whether an error says that nobody is signed in any more. */
export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401;
/** Whether an error says that the account waits for approval, or has lost it. */
export const isUnapproved = (error: unknown): boolean => error instanceof ApiError && error.slug === "account-not-approved";
/** Whether an error is of the session, not of what was asked for. */
export const isOfSession = (error: unknown): boolean => isSignedOut(error) || isUnapproved(error);
