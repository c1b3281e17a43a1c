/** The line at what is heard now, over all lanes of the timeline (or of the overview: `view` says which). */

import { effect } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { useTrack } from "../model";
import { toMs, toX } from "../view";
import type { View } from "../view";
import "./playhead.css";

export function Playhead({ view }: { readonly view: ReadonlySignal<View> }) {
  const { player } = useTrack();
  const line = useRef<HTMLDivElement>(null);
  const band = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Held here: the page is still told of what ends with it, when the refs are empty already.
    const [head, stretch] = [line.current!, band.current!];
    // Moved by hand: nothing is drawn or rendered again because of it.
    const stops = [
      effect(() => {
        const x = toX(view.value, player.timeMs.value);
        place(head, x >= 0 && x <= view.value.widthPx, x);
      }),
      effect(() => {
        const [loop, at] = [player.loop.value, view.value];
        const [from, to] = loop ? [Math.max(toX(at, loop.fromMs), 0), Math.min(toX(at, loop.toMs), at.widthPx)] : [0, 0];
        place(stretch, to > from, from);
        stretch.style.width = `${Math.max(to - from, 0)}px`;
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [player, view]);
  const scrub = (event: PointerEvent): void => {
    const grip = event.currentTarget as HTMLElement;
    if (!grip.hasPointerCapture(event.pointerId)) return;
    const left = grip.closest(".playhead")!.parentElement!.getBoundingClientRect().left;
    player.seek(toMs(view.peek(), Math.min(Math.max(event.clientX - left, 0), view.peek().widthPx)));
  };
  return (
    <>
      <div class="loop-band" ref={band} hidden />
      <div class="playhead" ref={line} hidden>
        <span
          class="playhead-grip"
          onPointerDown={(event) => {
            event.preventDefault();
            event.stopPropagation();
            event.currentTarget.setPointerCapture(event.pointerId);
          }}
          onPointerMove={scrub}
        />
      </div>
    </>
  );
}

function place(at: HTMLElement, isSeen: boolean, x: number): void {
  if (at.hidden === isSeen) at.hidden = !isSeen;
  if (isSeen) at.style.transform = `translateX(${x}px)`;
}
