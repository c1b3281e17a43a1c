/** Above the lanes: zoom, which lanes are shown, and what the pointer is on. */

import { useMemo } from "preact/hooks";
import { useShortcuts } from "../keys";
import type { Shortcut } from "../keys";
import { lanesOf, shown, toggleLane } from "./lanes/choice";
import { useTrack } from "./model";
import type { TrackModel } from "./model";
import { panBy, showWhole, zoom, zoomToSelection } from "./move";
import { Readout } from "./readout";
import type { Span } from "./view";

export function TimelineTools() {
  const model = useTrack();
  useShortcuts(useMemo(() => shortcutsOf(model), [model]));
  return (
    <div class="timeline-tools">
      <div class="buttons" role="group" aria-label="View">
        <button aria-label="Zoom out" title="Zoom out (−)" onClick={() => zoom(model, -1)}>−</button>
        <button aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoom(model, 1)}>+</button>
        <button title="Show the whole track (0)" onClick={() => showWhole(model)}>Whole</button>
        <button title="z" disabled={!model.selection.value} onClick={() => zoomToSelection(model)}>Zoom to selection</button>
        <button title="Move along with playback (f)" aria-pressed={model.follows.value} onClick={() => toggleFollow(model)}>Follow</button>
      </div>
      <LaneMenu />
      <Readout />
    </div>
  );
}

function LaneMenu() {
  const model = useTrack();
  return (
    <details class="drop" onKeyDown={closeOnEscape} onFocusOut={closeOnLeave}>
      <summary class="button">Lanes</summary>
      <fieldset>
        <legend class="hidden">Lanes that are shown</legend>
        {lanesOf(model).map((lane) => (
          <label key={lane.id}>
            <input type="checkbox" checked={shown.value.has(lane.id)} onChange={() => toggleLane(lane.id)} />
            <span>
              {lane.name}
              {lane.why && <small>{lane.why}</small>}
            </span>
          </label>
        ))}
      </fieldset>
    </details>
  );
}

/** For menus made of `<details>`. */
export function closeOnEscape(event: KeyboardEvent): void {
  const menu = event.currentTarget as HTMLDetailsElement;
  if (event.key !== "Escape" || !menu.open) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary")!.focus();
}

export function closeOnLeave(event: FocusEvent): void {
  const menu = event.currentTarget as HTMLDetailsElement;
  if (event.relatedTarget instanceof Node && !menu.contains(event.relatedTarget)) menu.open = false;
}

function toggleFollow(model: TrackModel): void {
  model.follows.value = !model.follows.peek();
}

/** An end of the selection at what is heard; the other where it was, or at the end of the track on that side. */
function selectTo(model: TrackModel, end: keyof Span): void {
  const ms = Math.round(model.player.timeMs.peek());
  const before = model.selection.peek() ?? { fromMs: 0, toMs: model.durationMs.peek() };
  const span = { ...before, [end]: ms };
  // Past the other end it begins anew.
  if (span.fromMs >= span.toMs) span[end === "fromMs" ? "toMs" : "fromMs"] = end === "fromMs" ? model.durationMs.peek() : 0;
  if (span.fromMs < span.toMs) model.selection.value = span;
}

function shortcutsOf(model: TrackModel): readonly Shortcut[] {
  const group = "Timeline";
  const page = (): number => model.view.peek().widthPx * 0.9;
  return [
    { keys: "+", what: "Zoom in", group, run: () => zoom(model, 1) },
    { keys: "=", what: "Zoom in", group, run: () => zoom(model, 1) },
    { keys: "-", what: "Zoom out", group, run: () => zoom(model, -1) },
    { keys: "0", what: "Show the whole track", group, run: () => showWhole(model) },
    { keys: "z", what: "Zoom to the selection", group, run: () => zoomToSelection(model) },
    { keys: "f", what: "Follow playback, or not", group, repeats: false, run: () => toggleFollow(model) },
    { keys: "PageUp", what: "Move the view back", group, run: () => panBy(model, -page()) },
    { keys: "PageDown", what: "Move the view on", group, run: () => panBy(model, page()) },
    { keys: "i", what: "The selection begins here", group, run: () => selectTo(model, "fromMs") },
    { keys: "o", what: "The selection ends here", group, run: () => selectTo(model, "toMs") },
    { keys: "Escape", what: "Clear the selection", group, run: () => void (model.selection.value = null) },
  ];
}
