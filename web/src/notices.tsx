/** Messages that come and go: read out by screen readers, and dismissed by hand or by time. */

import { signal } from "@preact/signals";
import { explain } from "./api";
import "./notices.css";
import { noticeEnd } from "./session";
import { CloseIcon } from "./ui/icons";

export interface Notice {
  readonly id: number;
  readonly kind: "info" | "error";
  readonly title: string;
  readonly detail?: string | undefined;
  /** The newest of a topic takes the place of the one before. */
  readonly topic?: string | undefined;
  /** What the person can do about it. */
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
}

export const notices = signal<readonly Notice[]>([]);

const MOST = 4;
const INFO_MS = 6_000;
let last = 0;

export function tell(notice: Omit<Notice, "id">): number {
  const id = (last += 1);
  // The same again takes the place of the one before.
  const others = notices.value.filter((one) => (one.title !== notice.title || one.detail !== notice.detail) && (!notice.topic || one.topic !== notice.topic));
  notices.value = [...others, { ...notice, id }].slice(-MOST);
  // What can be acted on is not taken away under the hand.
  if (notice.kind === "info" && !notice.action) setTimeout(() => dismiss(id), INFO_MS);
  return id;
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Tells of a failure; one that ends the session leads to the sign-in instead. What was stopped, as by leaving a page, is none. */
export function tellError(error: unknown, what: string, action?: Notice["action"]): void {
  if (noticeEnd(error) || (error instanceof DOMException && error.name === "AbortError")) return;
  const { title, detail } = explain(error);
  tell({ kind: "error", title: `${what}: ${title}`, detail, action });
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <div key={notice.id} class={`notice ${notice.kind}`}>
          <div>
            <strong>{notice.title}</strong>
            {notice.detail && <p>{notice.detail}</p>}
          </div>
          {notice.action && <button onClick={() => (dismiss(notice.id), notice.action!.run())}>{notice.action.label}</button>}
          <button class="quiet icon small" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  );
}
