/** Why there is no sound, found out and said in words. */

import { client } from "../../api";
import { noticeEnd } from "../../session";
import type { PlayerFailure } from "./player";

const NAMES: Readonly<Record<string, string>> = {
  "audio/aiff": "AIFF",
  "audio/x-aiff": "AIFF",
  "audio/mp4": "MP4 audio (AAC or ALAC)",
  "audio/x-m4a": "M4A (AAC or ALAC)",
  "audio/x-caf": "CAF",
  "audio/x-matroska": "Matroska",
  "video/x-matroska": "Matroska",
  "audio/flac": "FLAC",
  "audio/ogg": "Ogg",
  "audio/wav": "WAV",
  "audio/mpeg": "MP3",
};

const LOST: PlayerFailure = {
  kind: "network",
  title: "The connection was lost",
  detail: "The place is kept. Playback goes on when the connection is back, or try again now.",
};

/** An element does not say why it failed, so the server is asked for one byte of the audio and what the track is. Null where the session is over. */
export async function diagnose(trackId: string, error: MediaError | null, signal: AbortSignal): Promise<PlayerFailure | null> {
  if (error?.code === MediaError.MEDIA_ERR_NETWORK) return LOST;
  try {
    const answer = await client.audio(trackId, { range: "bytes=0-0", signal });
    await answer.body?.cancel();
    const { mime_type } = await client.track(trackId, { signal });
    const name = NAMES[mime_type.split(";")[0]!.trim().toLowerCase()] ?? mime_type;
    return {
      kind: "format",
      title: `This browser cannot play ${name}`,
      detail: "Everything that is drawn works without it: lanes, beats, editing and exercises. Another browser may play it.",
    };
  } catch (caught) {
    if (noticeEnd(caught)) return null;
    if (caught instanceof TypeError) return LOST;
    return { kind: "other", title: "The audio cannot be played", detail: caught instanceof Error ? caught.message : String(caught) };
  }
}
