/** Tapping along: a bar with a button for thumbs over the foot of the page, while it lasts. */

import { useEffect, useRef } from "preact/hooks";
import { useTrack } from "../model";
import { endTaps, FEWEST_TAPS, tap } from "./beat-acts";
import { editingOf } from "./editing";

export function TapBar() {
  return editingOf(useTrack()).taps.value ? <Tapping /> : null;
}

function Tapping() {
  const model = useTrack();
  const editing = editingOf(model);
  const button = useRef<HTMLButtonElement>(null);
  const taps = editing.taps.value ?? [];
  const began = useRef(false);
  const playing = model.player.playing.value;
  useEffect(() => {
    const before = document.activeElement;
    button.current!.focus();
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      void endTaps(editing, false);
    };
    addEventListener("keydown", onKey, true);
    return () => {
      removeEventListener("keydown", onKey, true);
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [editing]);
  // Whoever stops the music has stopped tapping.
  useEffect(() => {
    if (began.current && !playing) void endTaps(editing, true);
    began.current ||= playing;
  }, [playing, editing]);
  const tempo = tempoOf(taps);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) tap(editing, event);
  };
  return (
    <div class="edit-taps" role="group" aria-label="Tap along">
      <button class="primary edit-tap" ref={button} onPointerDown={(event) => (event.preventDefault(), button.current!.focus(), tap(editing, event))} onClick={(event) => event.detail === 0 && tap(editing, event)} onKeyDown={onKeyDown}>
        Tap <span>{taps.length ? `${taps.length}${tempo ? ` · ${tempo.toFixed(0)} BPM` : ""}` : <>on every beat<span class="by-keys">, or press K</span></>}</span>
      </button>
      <div class="edit-tools">
        {!playing && <button onClick={() => void model.player.play().catch(() => undefined)}>Play</button>}
        <button disabled={taps.length < FEWEST_TAPS} onClick={() => void endTaps(editing, true)}>Done</button>
        <button onClick={() => void endTaps(editing, false)}>Cancel</button>
      </div>
      <span class="hidden" role="status">{taps.length === FEWEST_TAPS ? "Enough taps: Done sends them" : ""}</span>
    </div>
  );
}

/** Of the last taps, by the median of what is between them. */
function tempoOf(taps: readonly number[]): number | null {
  const gaps = taps.slice(-9).map((at, n, all) => at - (all[n - 1] ?? at)).slice(1).sort((a, b) => a - b);
  const middle = gaps[Math.floor(gaps.length / 2)];
  return gaps.length >= 3 && middle && middle > 0 ? 60_000 / middle : null;
}
