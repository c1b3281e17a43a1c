/** A list of which only the rows that are seen are there, however long it is. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface VirtualListProps<T> {
  readonly label: string;
  readonly items: readonly T[];
  /** Height of each row, in CSS pixels. */
  readonly rowPx: number;
  readonly keyOf: (item: T) => number;
  /** The row that is kept in sight; -1 for none. */
  readonly at: number;
  readonly row: (item: T, index: number) => ComponentChildren;
}

const MOST_ROWS = 8;
const SPARE = 4;

export function VirtualList<T>({ label, items, rowPx, keyOf, at, row }: VirtualListProps<T>) {
  const box = useRef<HTMLUListElement>(null);
  const top = useSignal(0);
  const tall = Math.min(items.length, MOST_ROWS) * rowPx;
  useEffect(() => {
    const list = box.current;
    if (at < 0 || !list) return;
    if (at * rowPx < list.scrollTop) list.scrollTop = at * rowPx;
    else if ((at + 1) * rowPx > list.scrollTop + tall) list.scrollTop = (at + 1) * rowPx - tall;
  }, [at, tall, rowPx]);
  const first = Math.max(Math.floor(top.value / rowPx) - SPARE, 0);
  const last = Math.min(first + MOST_ROWS + 2 * SPARE, items.length);
  return (
    <ul class="edit-list" ref={box} aria-label={label} style={{ height: `${tall}px` }} onScroll={() => (top.value = box.current!.scrollTop)}>
      <li aria-hidden="true" role="presentation" style={{ height: `${first * rowPx}px` }} />
      {items.slice(first, last).map((item, n) => (
        <li key={keyOf(item)} style={{ height: `${rowPx}px` }} aria-setsize={items.length} aria-posinset={first + n + 1}>
          {row(item, first + n)}
        </li>
      ))}
      <li aria-hidden="true" role="presentation" style={{ height: `${(items.length - last) * rowPx}px` }} />
    </ul>
  );
}
