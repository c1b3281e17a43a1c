/** Somebody else changed the same thing: both versions side by side, and the person chooses. */

import { time } from "../../format";
import { Dialog } from "../../ui/dialog";
import { useTrack } from "../model";
import type { Conflict } from "./editing";
import { editingOf, nameOf } from "./editing";
import type { Annotation, Region } from "./routes";
import { FIELDS, sectionName } from "./words";

export function ConflictDialog() {
  const conflict = editingOf(useTrack()).conflict.value;
  return conflict && <Choice conflict={conflict} />;
}

function Choice({ conflict }: { readonly conflict: Conflict }) {
  const { kind, mine, theirs, choose } = conflict;
  const other = theirs as Region | Annotation | null;
  return (
    <Dialog class="edit-form" closesBeside={false} onClose={() => choose("theirs")} title={other ? `“${nameOf(other)}” was changed meanwhile` : `The ${kind} was removed meanwhile`}>
      {mine && other && (
        <table class="edit-versions">
          <thead>
            <tr><td /><th scope="col">Yours</th><th scope="col">As it is stored now</th></tr>
          </thead>
          <tbody>
            {Object.entries(mine).map(([field, value]) => (
              <tr key={field}>
                <th scope="row">{FIELDS[field] ?? field}</th>
                <td>{say(field, value)}</td>
                <td>{say(field, (other as unknown as Record<string, unknown>)[field])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {!mine && other && <p>It was changed by somebody, or by you elsewhere, after you saw it here. Remove it nevertheless?</p>}
      {!other && <p>Somebody, or you elsewhere, removed it after you saw it here. It can be made again as you want it.</p>}
      <div class="actions">
        <button onClick={() => choose("theirs")}>{other ? (mine ? "Keep what is stored" : "Keep it") : "Leave it removed"}</button>
        <button class="primary" onClick={() => choose("mine")}>{other ? (mine ? "Store mine" : "Remove it") : "Make it again"}</button>
      </div>
    </Dialog>
  );
}

function say(field: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return "—";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (field.endsWith("_ms")) return time(Number(value), 3);
  return field === "section_type" ? sectionName(String(value)) : String(value);
}
