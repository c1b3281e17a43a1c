/** What of the library is shown, and in which order. */

import { useEffect, useState } from "preact/hooks";
import type { RefObject } from "preact";
import { CloseIcon, SearchIcon } from "../ui/icons";
import { step } from "./row-keys";
import { filter, setFilter, SORTS } from "./tracks";
import type { Filter, Sort } from "./tracks";

/** While somebody types, the server is asked once they pause. */
const PAUSE_MS = 220;

const STATUSES: readonly [Filter["status"], string][] = [["", "All"], ["processing", "In analysis"], ["ready", "Ready"], ["error", "Failed"]];

export function FilterBar({ search }: { readonly search: RefObject<HTMLInputElement | null> }) {
  const { q, tag, status, sort, order } = filter.value;
  const [typed, setTyped] = useState(q);
  // What the address says anew, by going back or by “Show all tracks”, is what the field says.
  useEffect(() => {
    if (q.trim() !== typed.trim()) setTyped(q);
  }, [q]);
  useEffect(() => {
    if (typed.trim() === q.trim()) return;
    const pause = setTimeout(() => setFilter({ q: typed }), PAUSE_MS);
    return () => clearTimeout(pause);
  }, [typed]);
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") (event.preventDefault(), step(1));
    if (event.key === "Enter") setFilter({ q: typed });
    if (event.key === "Escape") (event.preventDefault(), typed ? setTyped("") : search.current?.blur());
  };
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <div class="search">
        <SearchIcon />
        <input
          ref={search} type="search" value={typed} maxLength={200} placeholder="Name, artist or album" aria-label="Search" aria-keyshortcuts="/"
          onInput={(event) => setTyped(event.currentTarget.value)} onKeyDown={pressed}
        />
      </div>
      <fieldset class="segments">
        <legend class="hidden">Status</legend>
        {STATUSES.map(([value, label]) => (
          <label key={value}>
            <input type="radio" name="status" value={value} checked={status === value} onChange={() => setFilter({ status: value })} />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      {tag && (
        <button type="button" class="small chosen" aria-label={`Tag ${tag}: show all tags again`} onClick={() => setFilter({ tag: "" })}>
          {tag} <CloseIcon />
        </button>
      )}
      <label class="order">
        <span class="hidden">Order</span>
        <select
          value={`${sort} ${order}`}
          onChange={(event) => {
            const [by, way] = event.currentTarget.value.split(" ") as [Sort, Filter["order"]];
            setFilter({ sort: by, order: way });
          }}
        >
          <option value="created_at desc">Newest first</option>
          <option value="created_at asc">Oldest first</option>
          <option value="name asc">Name, A to Z</option>
          <option value="name desc">Name, Z to A</option>
          <option value="bpm asc">Slowest first</option>
          <option value="bpm desc">Fastest first</option>
          <option value="duration_ms asc">Shortest first</option>
          <option value="duration_ms desc">Longest first</option>
        </select>
      </label>
    </form>
  );
}

/** A heading of the table that orders by its column; once more, the other way. */
export function SortHead({ by, label, class: name }: { readonly by: Sort; readonly label: string; readonly class?: string }) {
  const { sort, order } = filter.value;
  const isOn = sort === by;
  const turn = (): void => setFilter({ sort: by, order: isOn ? (order === "asc" ? "desc" : "asc") : SORTS[by].order });
  return (
    <th scope="col" role="columnheader" class={name} aria-sort={isOn ? (order === "asc" ? "ascending" : "descending") : "none"}>
      <button class="quiet small" onClick={turn}>
        {label}
        <span aria-hidden="true" class="way">{isOn ? (order === "asc" ? "↑" : "↓") : ""}</span>
      </button>
    </th>
  );
}
