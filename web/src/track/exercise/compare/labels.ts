/** Sections with letters: right where the same music has the same letter, whichever letter that is. */

export interface Labelled {
  readonly fromMs: number;
  readonly toMs: number;
  readonly label: string;
}

export interface LabelResult {
  /** Part of the time on which both agree, 0 to 1. */
  readonly agreement: number;
  /** Which label of the analysis each label of the listener stands for. */
  readonly meaning: ReadonlyMap<string, string>;
  /** Stretches on which they differ, as the listener's sections. */
  readonly differing: readonly Labelled[];
}

export function compareLabels(given: readonly Labelled[], found: readonly Labelled[]): LabelResult {
  const [ours, theirs] = [names(given), names(found)];
  const together = ours.map((mine) => theirs.map((their) => overlap(given.filter((one) => one.label === mine), found.filter((one) => one.label === their))));
  const chosen = assign(together);
  const meaning = new Map(chosen.flatMap((column, row) => (column === null || together[row]![column] === 0 ? [] : [[ours[row]!, theirs[column]!] as const])));
  const total = found.reduce((sum, one) => sum + one.toMs - one.fromMs, 0);
  const agreed = chosen.reduce<number>((sum, column, row) => sum + (column === null ? 0 : together[row]![column]!), 0);
  const differing = given.filter((one) => {
    const same = overlap([one], found.filter((other) => other.label === meaning.get(one.label)));
    return same < (one.toMs - one.fromMs) / 2;
  });
  return { agreement: total > 0 ? agreed / total : 0, meaning, differing };
}

const names = (sections: readonly Labelled[]): string[] => [...new Set(sections.map((one) => one.label))];

/** Time that two rows of sections share. */
function overlap(a: readonly Labelled[], b: readonly Labelled[]): number {
  let sum = 0;
  for (const one of a) for (const other of b) sum += Math.max(0, Math.min(one.toMs, other.toMs) - Math.max(one.fromMs, other.fromMs));
  return sum;
}

/**
 * Gives each row a column of its own so that the sum of their values is greatest: the Hungarian method in the form of
 * shortest augmenting paths with potentials (Jonker & Volgenant, Computing 38, 1987). Null where there are more rows.
 */
export function assign(value: readonly (readonly number[])[]): (number | null)[] {
  const [rows, columns] = [value.length, value[0]?.length ?? 0];
  const size = Math.max(rows, columns);
  const cost = (r: number, c: number): number => -(value[r]?.[c] ?? 0);
  const [potentialOfRow, potentialOfColumn] = [new Float64Array(size + 1), new Float64Array(size + 1)];
  // Rows and columns count from 1; `rowOf[0]` is the row that looks for a column.
  const rowOf = new Int32Array(size + 1);
  for (let row = 1; row <= size; row += 1) {
    const least = new Float64Array(size + 1).fill(Infinity);
    const [from, seen] = [new Int32Array(size + 1), new Uint8Array(size + 1)];
    let column = 0;
    rowOf[0] = row;
    do {
      seen[column] = 1;
      let [step, next] = [Infinity, 0];
      for (let c = 1; c <= size; c += 1) {
        if (seen[c]) continue;
        const reduced = cost(rowOf[column]! - 1, c - 1) - potentialOfRow[rowOf[column]!]! - potentialOfColumn[c]!;
        if (reduced < least[c]!) [least[c], from[c]] = [reduced, column];
        if (least[c]! < step) [step, next] = [least[c]!, c];
      }
      for (let c = 0; c <= size; c += 1) {
        if (seen[c]) {
          potentialOfRow[rowOf[c]!]! += step;
          potentialOfColumn[c]! -= step;
        } else least[c]! -= step;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      rowOf[column] = rowOf[from[column]!]!;
      column = from[column]!;
    }
  }
  const chosen: (number | null)[] = Array.from({ length: rows }, () => null);
  for (let c = 1; c <= columns; c += 1) if (rowOf[c]! <= rows) chosen[rowOf[c]! - 1] = c - 1;
  return chosen;
}
