/** Where each track was left, for as long as the tab lives. */

const KEY = "arsis.places";
const MOST = 50;

type Places = readonly (readonly [trackId: string, ms: number])[];

function places(): Places {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? (found as Places).filter((one) => Array.isArray(one) && typeof one[0] === "string" && Number.isFinite(one[1])) : [];
  } catch {
    return [];
  }
}

export const placeOf = (trackId: string): number => places().find(([id]) => id === trackId)?.[1] ?? 0;

export function keepPlace(trackId: string, ms: number): void {
  const others = places().filter(([id]) => id !== trackId);
  sessionStorage.setItem(KEY, JSON.stringify([[trackId, Math.round(ms)], ...others].slice(0, MOST)));
}
