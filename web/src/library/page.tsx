/** The library: tracks, their state and what was heard in them. */

import type { Track } from "@arsis/client";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { client } from "../api";
import { tellError } from "../notices";
import { followLink } from "../route";

export function LibraryPage() {
  const tracks = useSignal<readonly Track[] | null>(null);
  useEffect(() => {
    client.call("get", "/v1/tracks", {}).then((page) => (tracks.value = page.items), (error) => tellError(error, "The library could not be read"));
  }, []);
  return (
    <>
      <h1>Library</h1>
      <ul>
        {tracks.value?.map((track) => (
          <li key={track.id}>
            <a href={`/tracks/${track.id}`} onClick={followLink}>{track.name}</a>
          </li>
        ))}
      </ul>
    </>
  );
}
