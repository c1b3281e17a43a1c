/** Times as people write them. */

/** `83.4`, `1:23.4` and `1:01:23.456` in whole ms; `none` where nothing is written, null where it is no time. */
export function parseTime(text: string): number | "none" | null {
  const written = text.trim().replace(",", ".");
  if (!written) return "none";
  const parts = /^(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d*)?)$/.exec(written);
  if (!parts) return null;
  const [hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0)) as [number, number, number];
  return Math.round(((hours * 60 + minutes) * 60 + seconds) * 1000);
}
