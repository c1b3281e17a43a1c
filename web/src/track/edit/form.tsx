/** The dialog in which a region or an annotation is written: new, or as it is. */

import { ApiError } from "@arsis/client";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Explained } from "../../api";
import { explain, isUnapproved } from "../../api";
import { time } from "../../format";
import type { Act } from "../history";
import { Dialog } from "../../ui/dialog";
import { useTrack } from "../model";
import type { Editing, FormOf } from "./editing";
import { editingOf, nameOf } from "./editing";
import type { Annotation, AnnotationRequest, Region, RegionRequest } from "./routes";
import { parseTime } from "./time-field";
import { COLOURS, SECTION_TYPES, sectionName, WORDS } from "./words";

export function ThingForm() {
  const editing = editingOf(useTrack());
  const of = editing.form.value;
  return of && <Form key={`${of.kind} ${of.key} ${of.start}`} editing={editing} of={of} />;
}

type Errors = Readonly<Record<string, string>>;

function Form({ editing, of }: { readonly editing: Editing; readonly of: FormOf }) {
  const model = useTrack();
  const form = useRef<HTMLFormElement>(null);
  const errors = useSignal<Errors>({});
  /** Why it was not stored, where that is no field's fault. */
  const failure = useSignal<Explained | null>(null);
  const saving = useSignal(false);
  const { kind } = of;
  const thing = editing.things(kind).at(of.key);
  const [region, note] = [kind === "region" ? (thing as Region | undefined) : undefined, kind === "annotation" ? (thing as Annotation | undefined) : undefined];
  const mine = !thing || editing.isMine(kind, thing);
  useEffect(() => form.current!.querySelector("input")!.select(), []);
  const close = (): void => {
    editing.form.value = null;
    // Where the focus came from may be gone: then to the thing itself.
    queueMicrotask(() => {
      const key = editing.chosen.peek()?.key;
      if (document.activeElement === document.body && key) document.querySelector<HTMLElement>(`.edit-block[data-key="${key}"]`)?.focus({ preventScroll: true });
    });
  };
  // What waits for the network is kept and shown on its lane: nobody need look at the dialog meanwhile.
  const waits = model.history.waiting.value !== null;
  useEffect(() => {
    if (saving.value && waits) close();
  }, [waits, saving.value]);

  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (saving.peek()) return;
    const read = fieldsOf(new FormData(event.currentTarget as HTMLFormElement), of);
    [errors.value, failure.value] = [read.errors, null];
    if (Object.keys(read.errors).length) return focusError(form.current);
    const made = actOf(editing, of, thing, read.json);
    if (!made) return close();
    saving.value = true;
    const refused = (error: unknown): boolean => {
      // The page behind the dialog tells nobody anything.
      if (!form.current || isUnapproved(error)) return false;
      const named = error instanceof ApiError && error.status === 422 ? error.errors.map((one) => [one.pointer.replace("#/", ""), `${one.detail}.`] as const) : [];
      const isShown = ([field]: readonly [string, string]): boolean => form.current!.querySelector(`[aria-describedby="edit-error-${field}"], [name="${field}"]`) !== null;
      if (named.length && named.every(isShown)) {
        errors.value = Object.fromEntries(named);
        queueMicrotask(() => focusError(form.current));
      } else failure.value = explain(error);
      return true;
    };
    const worked = await model.history.act({ ...made, refused });
    saving.value = false;
    if (worked) {
      if (made.key !== undefined) editing.choose({ kind, key: made.key });
      // Closed meanwhile, another may be open.
      if (form.current) close();
    }
  };

  const at = (field: string) => ({ "aria-invalid": field in errors.value, "aria-describedby": field in errors.value ? `edit-error-${field}` : undefined });
  const wrong = (field: string) => errors.value[field] && <span class="edit-error" id={`edit-error-${field}`}>{errors.value[field]}</span>;
  const number = editing.regions.items.peek().length + 1;
  return (
    <Dialog class="edit-form" closesBeside={false} onClose={close} title={mine ? `${thing ? "Edit" : "New"} ${kind}` : "Another’s annotation"}>
      <form ref={form} onSubmit={(event) => void save(event)} noValidate>
        <fieldset disabled={!mine}>
          <label>
            {kind === "region" ? "Name" : "Title"}
            <input name={kind === "region" ? "name" : "title"} maxLength={200} required autofocus={mine} defaultValue={thing ? nameOf(thing) : kind === "region" ? `Region ${number}` : ""} {...at(kind === "region" ? "name" : "title")} />
            {wrong("name")}
            {wrong("title")}
          </label>
          <div class="edit-pair">
            <label>
              From
              <input name="start_time_ms" inputMode="decimal" defaultValue={time(of.start, 3)} {...at("start_time_ms")} />
              {wrong("start_time_ms")}
            </label>
            <label>
              To
              <input name="end_time_ms" inputMode="decimal" placeholder={kind === "region" ? undefined : "A moment"} defaultValue={of.end === null ? "" : time(of.end, 3)} {...at("end_time_ms")} />
              {wrong("end_time_ms")}
            </label>
          </div>
          {kind === "region" ? (
            <label>
              Part of the piece
              <select name="section_type" defaultValue={region?.section_type ?? ""} {...at("section_type")}>
                <option value="">Not said</option>
                {SECTION_TYPES.map((type) => <option key={type} value={type} selected={type === region?.section_type}>{sectionName(type)}</option>)}
              </select>
            </label>
          ) : (
            <label>
              Category
              <input name="category" maxLength={50} list="edit-categories" defaultValue={note?.category ?? ""} {...at("category")} />
              <datalist id="edit-categories">
                {[...new Set(editing.annotations.items.peek().map((one) => one.thing.category).filter(Boolean))].slice(0, 50).map((one) => <option key={one} value={one!} />)}
              </datalist>
              {wrong("category")}
            </label>
          )}
          <label>
            {kind === "region" ? "Description" : "Text"}
            <textarea name={kind === "region" ? "description" : "content"} rows={3} maxLength={4000} defaultValue={(kind === "region" ? region?.description : note?.content) ?? ""} {...at(kind === "region" ? "description" : "content")} />
            {wrong("description")}
            {wrong("content")}
          </label>
          <Colours chosen={thing?.color ?? null} />
          {wrong("color")}
          {kind === "annotation" && (
            <label class="edit-check">
              <input type="checkbox" name="is_private" defaultChecked={note?.is_private ?? true} />
              Private: only you see it
            </label>
          )}
        </fieldset>
        {failure.value && <p role="alert" class="error-text">{failure.value.title}{failure.value.detail && `. ${failure.value.detail}`}</p>}
        <div class="actions">
          {thing && mine && <button type="button" class="quiet danger" onClick={() => (close(), editing.remove({ kind, key: of.key! }))}>Remove</button>}
          <span class="edit-space" />
          <button type="button" onClick={close}>{mine ? "Cancel" : "Close"}</button>
          {mine && <button class="primary" aria-disabled={saving.value}>{saving.value ? "Saving…" : "Save"}</button>}
        </div>
      </form>
    </Dialog>
  );
}

function Colours({ chosen }: { readonly chosen: string | null }) {
  // A colour of elsewhere stays what it is unless another is taken.
  const all = chosen && !COLOURS.some(([colour]) => colour === chosen) ? [[chosen, `As it is, ${chosen}`] as const, ...COLOURS] : COLOURS;
  return (
    <fieldset class="edit-colours">
      <legend>Colour</legend>
      <label title="None"><input type="radio" name="color" value="" defaultChecked={!chosen} aria-label="None" /><span class="edit-swatch none" /></label>
      {all.map(([colour, name]) => (
        <label key={colour} title={name}>
          <input type="radio" name="color" value={colour} defaultChecked={colour === chosen} aria-label={name} />
          <span class="edit-swatch" style={{ background: colour }} />
        </label>
      ))}
    </fieldset>
  );
}

function focusError(form: HTMLFormElement | null): void {
  requestAnimationFrame(() => form?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}

/** What the form says, or what is wrong with it. A time that still reads as it was written stays to the ms. */
function fieldsOf(form: FormData, of: FormOf): { json: Record<string, unknown>; errors: Errors } {
  const [json, errors]: [Record<string, unknown>, Record<string, string>] = [{}, {}];
  for (const [field, value] of form) {
    if (typeof value !== "string" || field.endsWith("_ms") || field === "is_private") continue;
    json[field] = value.trim() || null;
  }
  const title = of.kind === "region" ? "name" : "title";
  if (!json[title]) errors[title] = "A word or two are needed.";
  const read = (field: string, was: number | null): ReturnType<typeof parseTime> => {
    const text = String(form.get(field) ?? "");
    return was !== null && text === time(was, 3) ? was : parseTime(text);
  };
  const [start, end] = [read("start_time_ms", of.start), read("end_time_ms", of.end)];
  const how = "Write a time such as 1:23.4.";
  if (start === null || start === "none") errors["start_time_ms"] = how;
  if (end === null || (end === "none" && of.kind === "region")) errors["end_time_ms"] = how;
  if (typeof start === "number" && typeof end === "number" && end <= start) errors["end_time_ms"] = "It must end after it begins.";
  json["start_time_ms"] = start;
  json["end_time_ms"] = end === "none" ? null : end;
  if (of.kind === "annotation") json["is_private"] = form.get("is_private") !== null;
  return { json, errors };
}

function actOf(editing: Editing, of: FormOf, thing: Region | Annotation | undefined, json: Record<string, unknown>): (Act & { readonly key?: number }) | null {
  const name = String(json["name"] ?? json["title"]);
  const [things, word] = [editing.things(of.kind), WORDS[of.kind].one];
  if (of.key === null || !thing) return things.adding(json as unknown as RegionRequest | AnnotationRequest, `${word} “${name}” added`);
  const now = thing as unknown as Record<string, unknown>;
  const changed = Object.fromEntries(Object.entries(json).filter(([field, value]) => (now[field] ?? null) !== value));
  return Object.keys(changed).length ? things.changing(of.key, changed, `${word} “${name}” changed`) : null;
}
