/** All editing of the track that is open: what there is, what is chosen, and every gesture as one act. */

import { batch, effect, signal } from "@preact/signals";
import { client } from "../../api";
import { onRenewal } from "../../connection";
import { dismiss, tell, tellError } from "../../notices";
import type { Act } from "../history";
import type { TrackModel } from "../model";
import type { Span } from "../view";
import { hold } from "../view";
import { Corrections } from "./corrections";
import type { Annotation, AnnotationPatch, AnnotationRequest, Region, RegionPatch, RegionRequest } from "./routes";
import { annotationsOf, myself, regionsOf } from "./routes";
import type { Ask, Thing } from "./things";
import { isStatus, Things } from "./things";
import { WORDS } from "./words";

export type Kind = keyof typeof WORDS;
const KINDS = ["region", "annotation"] as const;
export interface Chosen {
  readonly kind: Kind;
  readonly key: number;
}
/** What is made or changed in the dialog: without a key a new thing. */
export interface FormOf {
  readonly kind: Kind;
  readonly key: number | null;
  readonly start: number;
  readonly end: number | null;
}
/** Two versions of one thing, between which the person chooses. */
export interface Conflict {
  readonly kind: Kind;
  readonly mine: Readonly<Record<string, unknown>> | null;
  readonly theirs: Thing | null;
  readonly choose: (choice: "mine" | "theirs") => void;
}

/** What regions and annotations have in common. */
type Kept = Pick<Things<Region | Annotation, RegionRequest | AnnotationRequest, RegionPatch | AnnotationPatch>, "at" | "items" | "state" | "load" | "ids" | "adding" | "changing" | "removing">;

const BULK = 200;

export class Editing {
  readonly regions: Things<Region, RegionRequest, RegionPatch>;
  readonly annotations: Things<Annotation, AnnotationRequest, AnnotationPatch>;
  readonly beats: Corrections;
  readonly tab = signal<"regions" | "annotations" | "beats">("regions");
  readonly chosen = signal<Chosen | null>(null);
  readonly form = signal<FormOf | null>(null);
  readonly conflict = signal<Conflict | null>(null);
  /** What is being dragged or nudged, as it would be. */
  readonly draft = signal<{ readonly kind: Kind; readonly key: number | null; readonly start: number; readonly end: number | null } | null>(null);
  /** Taps of the row that is being tapped; null while nobody taps. */
  readonly taps = signal<readonly number[] | null>(null);

  /** Of which analysis the corrections could not be read. */
  #unread: string | null = null;

  constructor(readonly model: TrackModel) {
    this.regions = new Things(regionsOf(model.trackId), this.#ask("region"));
    this.annotations = new Things(annotationsOf(model.trackId), this.#ask("annotation"));
    this.beats = new Corrections(model);
  }

  /** Reads what there is; what it gives ends it. */
  start(): () => void {
    for (const kind of KINDS) void this.#read(kind);
    let opened = "";
    const stops = [
      effect(() => {
        const analysis = this.model.analysis.value;
        const showing = `${this.model.shows.value} ${analysis?.id}`;
        if (analysis?.status !== "completed" || showing === opened) return;
        opened = showing;
        this.#openBeats(analysis.id);
      }),
      onRenewal(() => this.#renew()),
    ];
    return () => stops.forEach((stop) => stop());
  }

  #openBeats(analysisId: string): void {
    this.#unread = null;
    this.beats.open(analysisId).catch((error: unknown) => {
      if (this.model.signal.aborted) return;
      this.#unread = analysisId;
      tellError(error, "Your corrections of beats could not be read");
    });
  }

  /** Reads anew what could not be read. */
  #renew(): void {
    for (const kind of KINDS) if (this.things(kind).state.peek() === "failed") void this.#read(kind);
    const shown = this.model.analysis.peek();
    if (this.#unread && shown?.id === this.#unread && shown.status === "completed") this.#openBeats(this.#unread);
  }

  async #read(kind: Kind): Promise<void> {
    const things = this.things(kind);
    try {
      await things.load(this.model.signal);
    } catch (error) {
      if (this.model.signal.aborted) return;
      things.state.value = "failed";
      // The track is gone, which the page says.
      if (isStatus(error, 404)) return;
      tellError(error, `${WORDS[kind].many} could not be read`, { label: "Try again", run: () => void this.#read(kind) });
    }
  }

  things(kind: Kind): Kept {
    return kind === "region" ? this.regions : this.annotations;
  }

  isMine(kind: Kind, thing: Thing): boolean {
    // Who may change the track may change all of its regions; the server says where that is not so.
    return kind === "region" || thing.author_id === myself();
  }

  choose(chosen: Chosen | null): void {
    this.chosen.value = chosen;
    if (chosen) this.tab.value = WORDS[chosen.kind].list;
  }

  /** Brings a thing into view, and has the transport loop or start at it where asked. */
  visit(chosen: Chosen, play: boolean, loop = false): void {
    const thing = this.things(chosen.kind).at(chosen.key);
    if (!thing) return;
    const { model } = this;
    const span = thing.end_time_ms == null ? null : { fromMs: thing.start_time_ms, toMs: thing.end_time_ms };
    batch(() => {
      this.choose(chosen);
      model.view.value = hold(model.view.peek(), thing.start_time_ms, 0.1, model.durationMs.peek());
      if (span) model.selection.value = span;
      model.player.seek(thing.start_time_ms);
    });
    if (!play) return;
    if (span) return model.player.playSpan(span, { loop });
    model.player.loop.value = null;
    void model.player.play();
  }

  /** Where something new goes: the selection, or `lengthMs` from what is heard now on. */
  place(lengthMs: number): Span {
    const { selection, player, durationMs } = this.model;
    const marked = selection.peek();
    if (marked && marked.toMs - marked.fromMs >= 1) return { fromMs: Math.round(marked.fromMs), toMs: Math.round(marked.toMs) };
    const [all, at] = [durationMs.peek(), Math.round(player.timeMs.peek())];
    const fromMs = Math.max(0, Math.min(at, all - Math.min(lengthMs, all)));
    return { fromMs, toMs: Math.min(fromMs + lengthMs, all) };
  }

  /** Moves or resizes; one act. */
  retime({ kind, key }: Chosen, start: number, end: number | null, what: string): void {
    const thing = this.things(kind).at(key);
    if (!thing || (thing.start_time_ms === start && (thing.end_time_ms ?? null) === end)) return;
    const times = { start_time_ms: start, ...(end !== null && { end_time_ms: end }) };
    void this.model.history.act(this.things(kind).changing(key, times, what));
  }

  remove({ kind, key }: Chosen): void {
    const thing = this.things(kind).at(key);
    if (!thing || !this.isMine(kind, thing)) return;
    const what = `${WORDS[kind].one} “${nameOf(thing)}” removed`;
    const act = this.things(kind).removing(key, what);
    if (this.chosen.peek()?.key === key) this.chosen.value = null;
    const { history } = this.model;
    void history.act(act);
    const notice = tell({ kind: "info", title: what, action: { label: "Undo", run: () => void history.undo(act) } });
    // Undone elsewhere, or refused, there is nothing for the notice to undo.
    const stop = effect(() => void (history.has(act) || queueMicrotask(() => (stop(), dismiss(notice)))));
  }

  /** Puts a region elsewhere in the list. */
  reorder(key: number, to: number): void {
    const before = this.regions.items.peek().map((item) => item.key);
    const from = before.indexOf(key);
    if (from < 0 || to < 0 || to >= before.length || to === from) return;
    const after = before.filter((one) => one !== key);
    after.splice(to, 0, key);
    // What stands behind both places keeps its order anyway.
    const reach = Math.max(from, to) + 1;
    const put = async (keys: readonly number[]): Promise<void> => {
      const region_ids = this.regions.ids(keys.slice(0, reach));
      await client.call("put", "/v1/tracks/{track_id}/regions/order", { path: { track_id: this.model.trackId }, json: { region_ids } });
      await this.regions.load();
    };
    void this.model.history.act({ what: "Regions put in another order", redo: () => put(after), undo: () => put(before) });
  }

  /** Makes many at once by `make`, and takes them back as many. */
  async makeMany(kind: Kind, what: string, make: (once: string) => Promise<unknown>, refused?: Act["refused"]): Promise<boolean> {
    const things = this.things(kind);
    const path = { track_id: this.model.trackId };
    let keys: readonly number[] = [];
    let [before, tried] = [new Set<number>(), ""];
    return this.model.history.act({
      what,
      ...(refused && { refused }),
      redo: async (once) => {
        // What the first try may have made already is new, too.
        if (tried !== once) {
          await things.load();
          [before, tried] = [new Set(things.items.peek().map((item) => item.key)), once];
        }
        await make(once);
        await things.load();
        keys = things.items.peek().filter((item) => !before.has(item.key) && item.thing.author_id === myself()).map((item) => item.key);
      },
      undo: async () => {
        const ids = things.ids(keys);
        for (let n = 0; n < ids.length; n += BULK) {
          const json = { delete: ids.slice(n, n + BULK).map((id) => ({ id })) };
          if (kind === "region") await client.call("post", "/v1/tracks/{track_id}/regions/bulk", { path, json });
          else await client.call("post", "/v1/tracks/{track_id}/annotations/bulk", { path, json });
        }
        await things.load();
      },
    });
  }

  #ask<T extends Thing>(kind: Kind): Ask<T> {
    return (mine, theirs) =>
      new Promise((resolve) => {
        const choose = (choice: "mine" | "theirs"): void => {
          this.conflict.value = null;
          resolve(choice);
        };
        this.conflict.value = { kind, mine: mine as Readonly<Record<string, unknown>> | null, theirs, choose };
      });
  }
}

export const nameOf = (thing: Region | Annotation): string => ("name" in thing ? thing.name : thing.title);

const open = new WeakMap<TrackModel, Editing>();

/** The editing of a track; one for each model. */
export function editingOf(model: TrackModel): Editing {
  let editing = open.get(model);
  if (!editing) open.set(model, (editing = new Editing(model)));
  return editing;
}
