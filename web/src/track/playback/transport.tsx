/** Play, seek, loop, rate and click: the controls of what is heard. */

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { time } from "../../format";
import { useShortcuts } from "../../keys";
import type { Shortcut } from "../../keys";
import { useTrack } from "../model";
import type { TrackModel } from "../model";
import { Icon } from "./icons";
import { offerControls } from "./media-session";
import { moveByBar, moveByBeat, setLoopEnd, toggleLoop } from "./moves";
import { LEAST_LOOP_MS } from "./player";
import { Readout, SeekBar } from "./seek-bar";
import { SoundPanel } from "./sound-panel";
import "./transport.css";

const GROUP = "Playback";
const STEP_MS = 5_000;
/** A frame of the analysis. */
const FRAME_MS = 10;
const PANEL = "sound-panel";

function shortcutsOf(model: TrackModel): readonly Shortcut[] {
  const { player } = model;
  const { sound, clicks } = player;
  const half = (): void => player.setRate(player.rate.peek() === 0.5 ? 1 : 0.5);
  const louder = (by: number) => (): void => void (sound.volume.value = Math.round(Math.min(Math.max(sound.volume.peek() + by, 0), 1) * 20) / 20);
  const end = (at: "in" | "out") => (): void => setLoopEnd(player, at, model.durationMs.peek(), LEAST_LOOP_MS);
  const all: readonly (readonly [keys: string, what: string, run: () => void, repeats?: boolean])[] = [
    ["Space", "Play or pause", () => player.toggle(), false],
    ["ArrowLeft", "5 s back", () => player.nudge(-STEP_MS)],
    ["ArrowRight", "5 s on", () => player.nudge(STEP_MS)],
    ["Shift+ArrowLeft", "A bar back", () => void moveByBar(player, -1)],
    ["Shift+ArrowRight", "A bar on", () => void moveByBar(player, 1)],
    ["<", "A beat back", () => void moveByBeat(player, -1)],
    [">", "A beat on", () => void moveByBeat(player, 1)],
    [",", "10 ms back", () => player.nudge(-FRAME_MS)],
    [".", "10 ms on", () => player.nudge(FRAME_MS)],
    ["l", "Loop the selection or the bar; end the loop", () => void toggleLoop(player, model.selection.peek()), false],
    ["[", "Loop from here", end("in"), false],
    ["]", "Loop up to here", end("out"), false],
    ["m", "Metronome", () => void (clicks.on.value = !clicks.on.peek()), false],
    ["s", "Half speed", half, false],
    ["Shift+ArrowUp", "Louder", louder(0.05)],
    ["Shift+ArrowDown", "Quieter", louder(-0.05)],
  ];
  return all.map(([keys, what, run, repeats = true]) => ({ keys, what, group: GROUP, repeats, run }));
}

export function Transport() {
  const model = useTrack();
  const { player } = model;
  const isOpen = useSignal(false);
  useShortcuts(useMemo(() => shortcutsOf(model), [model]));
  useEffect(() => {
    player.attach({ beats: model.beats, durationMs: () => model.durationMs.peek() });
    const titles = () => ({ title: model.track.value?.name ?? "", artist: model.track.value?.artist ?? "", album: model.track.value?.album ?? "" });
    return offerControls(player, titles, () => model.durationMs.value);
  }, [model, player]);
  const { sound, clicks } = player;
  return (
    <div class="transport" role="group" aria-label="Playback">
      <Failure />
      <SeekBar />
      <div class="transport-row" onMouseDown={leaveFocus}>
        <div class="transport-main">
          <button class="quiet round" aria-label="To the start" title="To the start" onClick={() => player.seek(0)}>
            <Icon name="start" />
          </button>
          <button class="quiet round wide-only" aria-label="A bar back" title="A bar back (Shift ←)" onClick={() => void moveByBar(player, -1)}>
            <Icon name="barBack" />
          </button>
          <button class="quiet round" aria-label="5 seconds back" title="5 s back (←)" onClick={() => player.nudge(-STEP_MS)}>
            <Icon name="back" />
          </button>
          <button class="primary round play" aria-label={player.playing.value ? "Pause" : "Play"} title="Play or pause (Space)" onClick={() => player.toggle()}>
            <Icon name={player.playing.value ? "pause" : "play"} />
          </button>
          <button class="quiet round" aria-label="5 seconds on" title="5 s on (→)" onClick={() => player.nudge(STEP_MS)}>
            <Icon name="forward" />
          </button>
          <button class="quiet round wide-only" aria-label="A bar on" title="A bar on (Shift →)" onClick={() => void moveByBar(player, 1)}>
            <Icon name="barForward" />
          </button>
        </div>
        <Readout />
        <div class="transport-modes">
          <LoopButton />
          <button class="quiet round" aria-label="Metronome" title="Metronome (m)" aria-pressed={clicks.on.value} onClick={() => (clicks.on.value = !clicks.on.peek())}>
            <Icon name="click" />
          </button>
          <button class="quiet round wide-only half" aria-label="Half speed" title="Half speed (s)" aria-pressed={player.rate.value === 0.5} onClick={() => player.setRate(player.rate.peek() === 0.5 ? 1 : 0.5)}>
            ½×
          </button>
          <div class="volume wide-only">
            <button class="quiet round" aria-label="Mute" title="Mute" aria-pressed={sound.muted.value} onClick={() => (sound.muted.value = !sound.muted.peek())}>
              <Icon name={sound.muted.value ? "mute" : "sound"} />
            </button>
            <input type="range" min="0" max="1" step="0.05" value={sound.volume.value} aria-label="Volume" aria-valuetext={`${Math.round(sound.volume.value * 100)} %`} onInput={(event) => ((sound.muted.value = false), (sound.volume.value = event.currentTarget.valueAsNumber))} />
          </div>
          <button class="quiet round" aria-label="Speed and sound" title="Speed and sound" aria-expanded={isOpen.value} aria-controls={PANEL} onClick={() => (isOpen.value = !isOpen.peek())}>
            <Icon name="more" />
            {player.rate.value !== 1 && <span class="badge">{player.rate.value}×</span>}
          </button>
        </div>
      </div>
      {isOpen.value && <SoundPanel id={PANEL} />}
      <Said />
    </div>
  );
}

function LoopButton() {
  const { player, selection } = useTrack();
  const loop = player.loop.value;
  const what = loop ? `Loop, ${time(loop.fromMs, 1)} to ${time(loop.toMs, 1)}` : "Loop";
  return (
    <button class="quiet round" aria-label={what} title={`${what} (l)`} aria-pressed={loop !== null} onClick={() => void toggleLoop(player, selection.peek())}>
      <Icon name="loop" />
    </button>
  );
}

function Failure() {
  const { player } = useTrack();
  const failure = player.failure.value;
  if (!failure) return null;
  return (
    <div class="transport-failure" role="alert">
      <div>
        <strong>{failure.title}</strong>
        <p>{failure.detail}</p>
      </div>
      {failure.kind !== "format" && <button onClick={() => void player.retry()}>Try again</button>}
    </div>
  );
}

/** A button that is pressed by mouse does not take the focus: Space goes on playing and pausing. */
function leaveFocus(event: MouseEvent): void {
  if (!(event.target as Element).closest("button")) return;
  event.preventDefault();
  (document.activeElement as HTMLElement | null)?.blur();
}

/** What changed, for screen readers: states, never the ticking of time. */
function Said() {
  const { player } = useTrack();
  const text = useComputed(() => {
    const loop = player.loop.value;
    return [
      player.waiting.value ? "Loading" : player.playing.value ? "Playing" : "Paused",
      player.rate.value === 1 ? "" : `${player.rate.value} times the speed`,
      loop ? `loop ${time(loop.fromMs, 1)} to ${time(loop.toMs, 1)}` : "",
      player.clicks.on.value ? "metronome on" : "",
    ]
      .filter(Boolean)
      .join(", ");
  });
  return (
    <div class="hidden" role="status" aria-live="polite">
      {text}
    </div>
  );
}
