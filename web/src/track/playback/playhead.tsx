/** The line at what is heard now, over all lanes of the timeline (or of the overview: `view` says which). */

import type { ReadonlySignal } from "@preact/signals";
import type { View } from "../view";

export function Playhead(_: { readonly view: ReadonlySignal<View> }) {
  return null;
}
