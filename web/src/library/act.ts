/** What can be done with a track of the list. */

import type { Analysis, Track } from "@arsis/client";
import { client } from "../api";
import { tellError } from "../notices";
import { entryOf, note } from "./tracks";

const newest = async (track: Track): Promise<Analysis | undefined> =>
  (await client.call("get", "/v1/tracks/{track_id}/analyses", { path: { track_id: track.id }, query: { limit: 1 } })).items[0];

/** Asks for a failed analysis once more. */
export async function retryAnalysis(track: Track): Promise<void> {
  try {
    const failed = await newest(track);
    const analysis = failed
      ? await client.call("post", "/v1/analyses/{analysis_id}/retry", { path: { analysis_id: failed.id } })
      : await client.analyze(track.id);
    note({ ...track, status: "processing", error_message: null }, analysis);
  } catch (error) {
    tellError(error, `${track.name} could not be tried again`);
    await readTrack(track);
  }
}

/** Stops a running analysis. */
export async function cancelAnalysis(track: Track): Promise<void> {
  try {
    const running = entryOf(track.id)?.peek().analysis ?? (await newest(track));
    if (!running) return;
    const analysis = await client.cancel(running.id);
    if (analysis.status === "error") await readTrack(track);
    else note(track, analysis);
  } catch (error) {
    tellError(error, `The analysis of ${track.name} could not be stopped`);
    await readTrack(track);
  }
}

/** Reads a track again, where what is known of it may be over. */
async function readTrack(track: Track): Promise<void> {
  await client.track(track.id).then(note, () => {});
}
