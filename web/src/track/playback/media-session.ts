/** The controls of the system: lock screen, headset keys, media keys. */

import { effect } from "@preact/signals";
import type { Player } from "./player";

export interface Titles {
  readonly title: string;
  readonly artist: string;
  readonly album: string;
}

/** Puts a player under the system's controls; gives what takes it away again. `titles` and `durationMs` are read as signals are. */
export function offerControls(player: Player, titles: () => Titles, durationMs: () => number): () => void {
  if (!("mediaSession" in navigator)) return () => undefined;
  const session = navigator.mediaSession;
  const handlers: [MediaSessionAction, MediaSessionActionHandler][] = [
    ["play", () => void player.play()],
    ["pause", () => player.pause()],
    ["stop", () => player.pause()],
    ["seekbackward", ({ seekOffset }) => player.nudge(-(seekOffset ?? 5) * 1000)],
    ["seekforward", ({ seekOffset }) => player.nudge((seekOffset ?? 5) * 1000)],
    ["seekto", ({ seekTime }) => player.seek((seekTime ?? 0) * 1000)],
    ["previoustrack", () => player.seek(0)],
  ];
  for (const [action, run] of handlers) handle(session, action, run);
  const stops = [
    effect(() => void (session.metadata = new MediaMetadata({ ...titles(), artwork: [{ src: "/icon.svg", type: "image/svg+xml" }] }))),
    effect(() => void (session.playbackState = player.playing.value ? "playing" : "paused")),
    effect(() => {
      // The system counts on by itself; it needs to know only where that changes.
      void [player.playing.value, player.seeks.value];
      const duration = durationMs() / 1000;
      if (duration > 0) session.setPositionState({ duration, playbackRate: player.rate.value, position: Math.min(Math.max(player.timeMs.peek() / 1000, 0), duration) });
    }),
  ];
  return () => {
    stops.forEach((stop) => stop());
    for (const [action] of handlers) handle(session, action, null);
    session.metadata = null;
    session.playbackState = "none";
  };
}

function handle(session: MediaSession, action: MediaSessionAction, run: MediaSessionActionHandler | null): void {
  try {
    session.setActionHandler(action, run);
  } catch {
    // Not every browser knows every action.
  }
}
