/** What has been written, as lists in the panel: shown and played by a click, put in order, filtered. */

import { useSignal } from "@preact/signals";
import { tell } from "../../notices";
import { client } from "../../api";
import { time } from "../../format";
import { isStatus } from "./things";
import { useTrack } from "../model";
import type { Kind } from "./editing";
import { editingOf, nameOf } from "./editing";
import { Files } from "./files";
import type { Annotation, Region } from "./routes";
import type { Item } from "./things";
import { VirtualList } from "./virtual-list";
import { sectionName } from "./words";

const ROW_PX = 48;
export const REGION_MS = 8_000;

export function RegionList() {
  const model = useTrack();
  const editing = editingOf(model);
  const items = editing.regions.items.value;
  const chosen = editing.chosen.value?.kind === "region" ? items.findIndex((item) => item.key === editing.chosen.value!.key) : -1;
  const analysis = model.analysis.value;
  const fromAnalysis = (): void => {
    const none = (error: unknown): boolean => {
      if (!isStatus(error, 422)) return false;
      tell({ kind: "info", title: "The analysis found no sections", detail: "Short pieces, and some long ones, have none that stand apart." });
      return true;
    };
    const make = (once: string) =>
      client.call("post", "/v1/tracks/{track_id}/regions/from-analysis", { path: { track_id: model.trackId }, json: { analysis_id: analysis!.id }, headers: { "idempotency-key": once } });
    void editing.makeMany("region", "Regions made from the analysis", make, none);
  };
  const select = chosen >= 0 ? items[chosen] : undefined;
  return (
    <>
      <div class="edit-tools">
        <button onClick={() => startForm(editing, "region")}>Add region</button>
        <button onClick={fromAnalysis} disabled={analysis?.status !== "completed"} title="A region of every section that the analysis found">From the analysis</button>
        <Files kind="region" />
      </div>
      <State kind="region" />
      <VirtualList
        label="Regions, in their order"
        items={items}
        rowPx={ROW_PX}
        keyOf={(item) => item.key}
        at={chosen}
        row={(item) => <Row kind="region" item={item} chosen={item === select} detail={[span(item.thing), item.thing.section_type && sectionName(item.thing.section_type)].filter(Boolean).join(" · ")} />}
      />
      {select && (
        <div class="edit-tools" role="group" aria-label={`Region ${nameOf(select.thing)}`}>
          <Common kind="region" item={select} />
          <button onClick={() => editing.visit({ kind: "region", key: select.key }, true, true)}>Loop</button>
          <span class="edit-pairs">
            <button aria-label="Earlier in the list" title="Earlier in the list" aria-disabled={chosen === 0} onClick={() => editing.reorder(select.key, chosen - 1)}>↑</button>
            <button aria-label="Later in the list" title="Later in the list" aria-disabled={chosen === items.length - 1} onClick={() => editing.reorder(select.key, chosen + 1)}>↓</button>
          </span>
        </div>
      )}
    </>
  );
}

export function AnnotationList() {
  const editing = editingOf(useTrack());
  const [words, whose] = [useSignal(""), useSignal<"all" | "mine" | "others" | "private">("all")];
  const all = editing.annotations.items.value;
  const sought = words.value.trim().toLowerCase();
  const items = all.filter(({ thing }) => {
    const mine = editing.isMine("annotation", thing);
    if ((whose.value === "mine" && !mine) || (whose.value === "others" && mine) || (whose.value === "private" && !thing.is_private)) return false;
    return !sought || [thing.title, thing.content, thing.category].some((text) => text?.toLowerCase().includes(sought));
  });
  const chosen = editing.chosen.value?.kind === "annotation" ? items.findIndex((item) => item.key === editing.chosen.value!.key) : -1;
  const select = chosen >= 0 ? items[chosen] : undefined;
  return (
    <>
      <div class="edit-tools">
        <button onClick={() => startForm(editing, "annotation")}>Add annotation</button>
        <Files kind="annotation" />
      </div>
      {all.length > 0 && (
        <div class="edit-tools edit-filter">
          <input type="search" aria-label="Find in annotations" placeholder="Title, text or category" value={words.value} onInput={(event) => (words.value = event.currentTarget.value)} />
          <select aria-label="Whose annotations" value={whose.value} onChange={(event) => (whose.value = event.currentTarget.value as typeof whose.value)}>
            <option value="all">All</option>
            <option value="mine">Yours</option>
            <option value="others">Others’</option>
            <option value="private">Private</option>
          </select>
        </div>
      )}
      <State kind="annotation" />
      {all.length > 0 && !items.length && <p class="edit-hint">No annotation is like that.</p>}
      <VirtualList
        label="Annotations, by time"
        items={items}
        rowPx={ROW_PX}
        keyOf={(item) => item.key}
        at={chosen}
        row={(item) => {
          const whoseIs = editing.isMine("annotation", item.thing) ? (item.thing.is_private ? "yours, private" : "yours") : "another’s";
          return <Row kind="annotation" item={item} chosen={item === select} detail={[span(item.thing), item.thing.category, whoseIs].filter(Boolean).join(" · ")} />;
        }}
      />
      {select && (
        <div class="edit-tools" role="group" aria-label={`Annotation ${nameOf(select.thing)}`}>
          <Common kind="annotation" item={select} />
        </div>
      )}
      {select?.thing.content && <p class="edit-content">{select.thing.content}</p>}
    </>
  );
}

/** Opens the dialog for something new, at the selection or at what is heard now. */
export function startForm(editing: ReturnType<typeof editingOf>, kind: Kind): void {
  const marked = editing.model.selection.peek();
  const place = editing.place(REGION_MS);
  editing.form.value = { kind, key: null, start: place.fromMs, end: kind === "annotation" && !marked ? null : place.toMs };
}

function Row({ kind, item, chosen, detail }: { readonly kind: Kind; readonly item: Item<Region | Annotation>; readonly chosen: boolean; readonly detail: string }) {
  const editing = editingOf(useTrack());
  return (
    <button class="edit-row" aria-current={chosen ? "true" : undefined} title={kind === "region" ? "Show and play" : "Show"} onClick={() => editing.visit({ kind, key: item.key }, kind === "region")}>
      <span class="edit-dot" style={{ "--own": item.thing.color ?? undefined }} />
      <span class="edit-words">
        <strong>{nameOf(item.thing)}</strong>
        <span>{item.thing.id ? detail : `${detail} · not stored yet`}</span>
      </span>
    </button>
  );
}

function Common({ kind, item }: { readonly kind: Kind; readonly item: Item<Region | Annotation> }) {
  const editing = editingOf(useTrack());
  const { key, thing } = item;
  const mine = editing.isMine(kind, thing);
  return (
    <>
      <button onClick={() => editing.visit({ kind, key }, true)}>Play</button>
      <button onClick={() => (editing.form.value = { kind, key, start: thing.start_time_ms, end: thing.end_time_ms ?? null })}>{mine ? "Edit" : "Read"}</button>
      {mine && <button onClick={() => editing.remove({ kind, key })}>Remove</button>}
    </>
  );
}

function State({ kind }: { readonly kind: Kind }) {
  const editing = editingOf(useTrack());
  const { state, items } = editing.things(kind);
  if (state.value === "loading") return <p class="edit-hint">One moment…</p>;
  if (state.value === "failed") return <p class="edit-hint">They could not be read.</p>;
  if (items.value.length) return null;
  return (
    <p class="edit-hint">
      {kind === "region"
        ? "No regions yet. A region is a stretch with a name, such as a verse: mark a stretch, then add it."
        : "No annotations yet. Add one at the place that is heard, or at the stretch that is marked."}
    </p>
  );
}

const span = (thing: Region | Annotation): string => (thing.end_time_ms == null ? time(thing.start_time_ms, 1) : `${time(thing.start_time_ms, 1)} – ${time(thing.end_time_ms, 1)}`);
