/** Which mark answers which event: one to one, as many as can be, and of those the nearest. */

export interface Pair {
  /** Index of the mark. */
  readonly mark: number;
  /** Index of the event. */
  readonly event: number;
}

/** Most cells of the table below, 16 MB: beyond that, marks are matched stretch by stretch anyway. */
const MOST_CELLS = 16 << 20;

/**
 * Pairs marks with events not farther than `toleranceMs` away. Both are in order of time, and so are the pairs: two that
 * cross can be uncrossed without a pair being lost or the sum of distances growing.
 *
 * Taking the nearest pair first would be wrong: with marks at 0 and 60, events at 50 and 110 and a tolerance of 55 it takes
 * 60 with 50, and neither 0 nor 110 finds a partner.
 *
 * Dynamic programming over each stretch that hangs together, O(marks × events) of the stretch.
 */
export function match(marks: readonly number[], events: readonly number[], toleranceMs: number): Pair[] {
  const pairs: Pair[] = [];
  let [m, e] = [0, 0];
  while (m < marks.length && e < events.length) {
    if (marks[m]! < events[e]! - toleranceMs) m += 1;
    else if (events[e]! < marks[m]! - toleranceMs) e += 1;
    else {
      const to = stretch(marks, events, toleranceMs, m, e);
      pairs.push(...matchStretch(marks, events, toleranceMs, { m, e, ...to }));
      [m, e] = [to.toM, to.toE];
    }
  }
  return pairs;
}

/** Up to where marks and events follow each other without a gap that no pair could reach over. */
function stretch(marks: readonly number[], events: readonly number[], toleranceMs: number, m: number, e: number): { toM: number; toE: number } {
  let [toM, toE, last] = [m, e, Math.max(marks[m]!, events[e]!)];
  while ((toM - m + 1) * (toE - e + 1) < MOST_CELLS) {
    const [mark, event] = [marks[toM] ?? Infinity, events[toE] ?? Infinity];
    if (Math.min(mark, event) > last + toleranceMs) break;
    last = Math.max(last, Math.min(mark, event));
    if (mark <= event) toM += 1;
    else toE += 1;
  }
  return { toM, toE };
}

interface Stretch {
  readonly m: number;
  readonly e: number;
  readonly toM: number;
  readonly toE: number;
}

const [SKIP_MARK, SKIP_EVENT, PAIR] = [0, 1, 2];

function matchStretch(marks: readonly number[], events: readonly number[], toleranceMs: number, { m, e, toM, toE }: Stretch): Pair[] {
  const [rows, columns] = [toM - m, toE - e];
  const steps = new Uint8Array(rows * columns);
  // A pair is worth more than all distances there can be, so that the number of pairs comes first.
  const worth = (toleranceMs + 1) * (Math.min(rows, columns) + 1);
  let above = new Float64Array(columns + 1);
  for (let r = 0; r < rows; r += 1) {
    const row = new Float64Array(columns + 1);
    for (let c = 0; c < columns; c += 1) {
      const far = Math.abs(marks[m + r]! - events[e + c]!);
      const paired = far <= toleranceMs ? above[c]! + worth - far : -Infinity;
      const best = Math.max(above[c + 1]!, row[c]!, paired);
      steps[r * columns + c] = best === paired ? PAIR : best === above[c + 1]! ? SKIP_MARK : SKIP_EVENT;
      row[c + 1] = best;
    }
    above = row;
  }
  const pairs: Pair[] = [];
  for (let [r, c] = [rows - 1, columns - 1]; r >= 0 && c >= 0; ) {
    const step = steps[r * columns + c];
    if (step === PAIR) pairs.push({ mark: m + r, event: e + c });
    if (step !== SKIP_EVENT) r -= 1;
    if (step !== SKIP_MARK) c -= 1;
  }
  return pairs.reverse();
}
