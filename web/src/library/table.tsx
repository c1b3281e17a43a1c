/**
 * The tracks as a table; on a narrow page, as cards. Pages of it that are far from what is seen are empty blocks of the
 * same height, so that ten thousand tracks are as quick as a hundred.
 */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { SortHead } from "./filter-bar";
import type { Asked } from "./row-keys";
import { Row } from "./row";
import { filterKey, hasMore, pages, reading, readMore, shown } from "./tracks";

/** How far beyond the window rows are drawn, and the next page is read. */
const BEYOND = "1200px 0px";
/** A row's height before it was ever measured; on a narrow page it is a card. */
const rowPx = (): number => (innerWidth > 720 ? 61 : 100);

export function Table({ ask }: { readonly ask: (asked: Asked) => void }) {
  const isStale = shown.value !== filterKey.value;
  return (
    <>
      {/* The roles are said again: display other than that of tables takes them away. */}
      <table role="table" class={`tracks${isStale ? " stale" : ""}`} aria-label="Tracks">
        <thead role="rowgroup">
          <tr role="row">
            <SortHead by="name" label="Name" class="name" />
            <SortHead by="duration_ms" label="Length" class="number" />
            <SortHead by="bpm" label="Tempo" class="number" />
            <th scope="col" role="columnheader">Key</th>
            <th scope="col" role="columnheader">Status</th>
            <SortHead by="created_at" label="Added" />
            <th scope="col" role="columnheader"><span class="hidden">Actions</span></th>
          </tr>
        </thead>
        {pages.value.map((ids, index) => <PageOfRows key={index} ids={ids} ask={ask} isFirst={index === 0} />)}
      </table>
      <More />
    </>
  );
}

function PageOfRows({ ids, ask, isFirst }: { readonly ids: readonly string[]; readonly ask: (asked: Asked) => void; readonly isFirst: boolean }) {
  const box = useRef<HTMLTableSectionElement>(null);
  const isNear = useSignal(isFirst);
  const height = useRef(ids.length * rowPx());
  useEffect(() => {
    const seen = new IntersectionObserver(([entry]) => {
      const { isIntersecting, boundingClientRect } = entry!;
      // Measured just before the rows go; a row that has the focus keeps its page.
      if (isNear.peek() && !isIntersecting && !box.current!.contains(document.activeElement)) {
        height.current = boundingClientRect.height;
        isNear.value = false;
      } else if (isIntersecting) isNear.value = true;
    }, { rootMargin: BEYOND });
    seen.observe(box.current!);
    return () => seen.disconnect();
  }, []);
  const near = isNear.value;
  // The same rows again are not even compared when another page comes.
  const rows = useMemo(() => near && ids.map((id) => <Row key={id} id={id} ask={ask} />), [near, ids]);
  return (
    <tbody ref={box} role="rowgroup" style={near ? undefined : { height: `${height.current}px` }}>
      {rows}
    </tbody>
  );
}

/** Reads on by itself when its end comes near; the button is for whoever arrives there faster, or by keyboard. */
function More() {
  const end = useRef<HTMLDivElement>(null);
  const isReading = reading.value.kind === "reading";
  const count = pages.value.length;
  useEffect(() => {
    if (!hasMore.value || isReading || reading.value.kind === "failed") return;
    const seen = new IntersectionObserver(([entry]) => entry!.isIntersecting && void readMore(), { rootMargin: BEYOND });
    seen.observe(end.current!);
    return () => seen.disconnect();
  }, [count, isReading, hasMore.value]);
  return (
    <div ref={end} class="more">
      {hasMore.value && <button aria-disabled={isReading} onClick={() => void readMore()}>{isReading ? "Reading…" : "More tracks"}</button>}
    </div>
  );
}
