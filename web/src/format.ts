/** Numbers as people read them. */

/** A time as `1:02`, `1:02:03`, with `digits` of a second where asked for. */
export function time(ms: number, digits = 0): string {
  // In whole units of the last digit: parts of a second are no binary fractions, and would be cut to one less.
  const units = Math.floor(Math.max(0, ms) / 10 ** (3 - digits) + 1e-6);
  const total = Math.floor(units / 10 ** digits);
  const two = (value: number): string => String(value).padStart(2, "0");
  const part = digits ? `.${String(units % 10 ** digits).padStart(digits, "0")}` : "";
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(total % 60)}${part}`;
}

/** A size as `3.4 MB`. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${power ? (bytes / 1000 ** power).toFixed(1) : bytes} ${units[power]}`;
}

/** A tempo as `120.0`. */
export const tempo = (bpm: number): string => bpm.toFixed(1);

/** A date as `5 Nov 2026`. */
export const day = (date: string): string => new Date(date).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });

const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000]];

/** When something was: `5 minutes ago`, `yesterday`, and a date after a week. */
export function ago(date: string, now = Date.now()): string {
  const past = now - Date.parse(date);
  if (past >= 7 * 86_400_000) return day(date);
  const step = STEPS.find(([, ms]) => past >= ms);
  return step ? RELATIVE.format(-Math.floor(past / step[1]), step[0]) : "just now";
}

/** How long something will take, roughly: `5 s`, `3 min`, `2 h 10 min`. */
export function about(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
