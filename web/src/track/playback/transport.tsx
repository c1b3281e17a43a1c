/** Play, seek, loop, rate and click: the controls of what is heard. */

import { useTrack } from "../model";

export function Transport() {
  const { player } = useTrack();
  return (
    <div class="transport" role="group" aria-label="Playback">
      <button onClick={() => player.toggle()}>{player.playing.value ? "Pause" : "Play"}</button>
    </div>
  );
}
