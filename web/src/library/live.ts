/** What is being analysed and seen is looked at every two seconds: browsers have too few connections for a stream to each track. */

import type { Track } from "@arsis/client";
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RefObject } from "preact";
import { client } from "../api";
import { connection } from "../connection";
import { session } from "../session";
import { entryOf, note } from "./tracks";

const EVERY_MS = 2_000;
/** Requests at a time: the browser has six connections, and uploads want theirs. */
const AT_A_TIME = 2;

/** Ids of tracks whose analyses are followed: rows in view. */
const followed = new Set<string>();
/** What has just come to an end, to be read out. */
export const ended = signal("");

/** Follows a track's analysis while its row is in view. */
export function useLive(track: Track, row: RefObject<HTMLElement | null>): void {
  const isOn = track.status === "processing";
  useEffect(() => {
    if (!isOn || !row.current) return;
    const seen = new IntersectionObserver(([entry]) => (entry!.isIntersecting ? begin(track.id) : followed.delete(track.id)));
    seen.observe(row.current);
    return () => {
      seen.disconnect();
      followed.delete(track.id);
    };
  }, [track.id, isOn]);
}

let timer: ReturnType<typeof setTimeout> | undefined;
let isLooking = false;

function begin(id: string): void {
  followed.add(id);
  schedule(0);
}

function schedule(ms: number): void {
  clearTimeout(timer);
  timer = followed.size && !document.hidden ? setTimeout(() => void round(), ms) : undefined;
}

document.addEventListener("visibilitychange", () => schedule(0));

async function round(): Promise<void> {
  if (isLooking) return;
  isLooking = true;
  if (connection.peek() === "ok" && session.peek().kind === "in") {
    const ids = [...followed];
    const worker = async (): Promise<void> => {
      for (let id = ids.shift(); id; id = ids.shift()) await look(id);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  }
  isLooking = false;
  schedule(EVERY_MS);
}

/** Looks at a track's newest analysis, and at the track where that has ended. */
async function look(id: string): Promise<void> {
  try {
    const page = await client.call("get", "/v1/tracks/{track_id}/analyses", { path: { track_id: id }, query: { limit: 1 } });
    const analysis = page.items[0];
    const known = entryOf(id)?.peek();
    if (!known || !analysis) return;
    if (analysis.status === "pending" || analysis.status === "running") return note(known.track, analysis);
    const track = await client.track(id);
    note(track, analysis);
    if (track.status === "ready") ended.value = `${track.name} is analysed`;
    if (track.status === "error") ended.value = `${track.name} could not be analysed`;
  } catch {
    // The next round asks again; that the server is away is said above the page.
  }
}
