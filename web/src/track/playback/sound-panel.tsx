/** Speed, loudness, the metronome and loops by bars: what is set once and then left. */

import { useTrack } from "../model";
import { loopBars, moveByBar } from "./moves";
import { Icon } from "./icons";
import type { Every } from "./sound";

const SPEEDS = [0.25, 0.5, 0.75, 0.9, 1, 1.25, 1.5, 2];
const EVERY: readonly (readonly [Every, string])[] = [
  ["beat", "Every beat"],
  ["bar", "Bars only"],
  ["half", "Every other beat"],
  ["double", "Twice a beat"],
];

const percent = (part: number): string => `${Math.round(part * 100)} %`;

function balanceSaid(balance: number): string {
  if (balance === 0) return "Music only";
  if (balance === 1) return "Clicks only";
  return balance === 0.5 ? "Both" : balance < 0.5 ? "More music" : "More clicks";
}

export function SoundPanel({ id }: { readonly id: string }) {
  const { player } = useTrack();
  const { sound, clicks } = player;
  return (
    <div class="sound-panel" id={id} role="group" aria-label="Sound settings">
      <fieldset>
        <legend>Speed</legend>
        <label>
          <span>Speed, pitch kept</span>
          <output>{player.rate.value.toFixed(2)}×</output>
          <input type="range" min="0.25" max="2" step="0.05" value={player.rate.value} aria-valuetext={`${player.rate.value.toFixed(2)} times`} onInput={(event) => player.setRate(event.currentTarget.valueAsNumber)} />
        </label>
        <div class="chips" role="group" aria-label="Speeds">
          {SPEEDS.map((rate) => (
            <button key={rate} aria-pressed={player.rate.value === rate} onClick={() => player.setRate(rate)}>
              {rate}×
            </button>
          ))}
        </div>
      </fieldset>
      <fieldset>
        <legend>Metronome</legend>
        <label>
          <span>Click volume</span>
          <output>{percent(clicks.level.value)}</output>
          <input type="range" min="0" max="1" step="0.05" value={clicks.level.value} aria-valuetext={percent(clicks.level.value)} onInput={(event) => (clicks.level.value = event.currentTarget.valueAsNumber)} />
        </label>
        <label>
          <span>Music to clicks</span>
          <output>{balanceSaid(clicks.balance.value)}</output>
          <input type="range" min="0" max="1" step="0.1" value={clicks.balance.value} aria-valuetext={balanceSaid(clicks.balance.value)} onInput={(event) => (clicks.balance.value = event.currentTarget.valueAsNumber)} />
        </label>
        <div class="fields">
          <label class="field">
            <span>Clicks on</span>
            <select value={clicks.every.value} onChange={(event) => (clicks.every.value = event.currentTarget.value as Every)}>
              {EVERY.map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label class="check">
            <input type="checkbox" checked={clicks.countIn.value} onChange={(event) => (clicks.countIn.value = event.currentTarget.checked)} />
            <span>Count in a bar</span>
          </label>
        </div>
      </fieldset>
      <fieldset>
        <legend>Bars</legend>
        <div class="chips narrow-only" role="group" aria-label="Move by bars">
          <button onClick={() => void moveByBar(player, -1)}>
            <Icon name="barBack" /> Bar back
          </button>
          <button onClick={() => void moveByBar(player, 1)}>
            Bar on <Icon name="barForward" />
          </button>
        </div>
        <div class="chips" role="group" aria-label="Loop bars">
          <span class="chips-label">Loop</span>
          {[1, 2, 4, 8].map((count) => (
            <button key={count} onClick={() => void loopBars(player, count)}>
              {count} {count === 1 ? "bar" : "bars"}
            </button>
          ))}
        </div>
      </fieldset>
      <fieldset class="narrow-only">
        <legend>Volume</legend>
        <label>
          <span>All</span>
          <output>{sound.muted.value ? "Muted" : percent(sound.volume.value)}</output>
          <input type="range" min="0" max="1" step="0.05" value={sound.volume.value} aria-label="Volume" aria-valuetext={percent(sound.volume.value)} onInput={(event) => ((sound.muted.value = false), (sound.volume.value = event.currentTarget.valueAsNumber))} />
        </label>
        <div class="chips">
          <button aria-pressed={sound.muted.value} onClick={() => (sound.muted.value = !sound.muted.peek())}>
            <Icon name={sound.muted.value ? "mute" : "sound"} /> Mute
          </button>
        </div>
      </fieldset>
    </div>
  );
}
