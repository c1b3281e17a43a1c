/** Listening prompts: what is compared with what, and the page on which that is asked, answered and told. */

import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";
import { time } from "../src/format";
import { compareCurve, drawTo } from "../src/track/exercise/compare/curve";
import { assign, compareLabels } from "../src/track/exercise/compare/labels";
import { compareMarks } from "../src/track/exercise/compare/marks";
import { match } from "../src/track/exercise/compare/matching";
import { compareTaps } from "../src/track/exercise/compare/taps";
import { fieldOf, sameChoice } from "../src/track/exercise/compare/value";
import { concealedBy } from "../src/track/exercise/conceal";
import { excerptsOf, spanFor } from "../src/track/exercise/spans";
import { markOutcome, tapOutcome } from "../src/track/exercise/outcome";
import { analysed, ask, settled, signIn } from "./support";
import type { Uploaded } from "./support";

/** A repeatable stand-in for chance, 0 to 1 (Park & Miller, CACM 31(10), 1988). */
function* chance(seed = 1): Generator<number, never> {
  for (let at = seed; ; ) yield (at = (at * 48_271) % 2_147_483_647) / 2_147_483_647;
}

test("times are cut to what is shown of them, and nothing below", () => {
  const shown = ([0, 1, 2, 3] as const).map((digits) => time(60_300, digits));
  expect(shown).toEqual(["1:00", "1:00.3", "1:00.30", "1:00.300"]);
  for (let ms = 0; ms < 3_000; ms += 1) expect(time(ms, 3)).toBe(`0:0${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}`);
  expect([time(3_599_999.9, 1), time(3_600_000), time(-5, 2)]).toEqual(["59:59.9", "1:00:00", "0:00.00"]);
});

/** Most pairs there can be, by trying everything. */
function mostPairs(marks: readonly number[], events: readonly number[], toleranceMs: number): number {
  const [first, ...rest] = marks;
  if (first === undefined) return 0;
  const with_ = events.flatMap((event, i) => (Math.abs(event - first) <= toleranceMs ? [1 + mostPairs(rest, events.toSpliced(i, 1), toleranceMs)] : []));
  return Math.max(mostPairs(rest, events, toleranceMs), ...with_);
}

const beats = (count: number, everyMs = 500): number[] => Array.from({ length: count }, (_, i) => 1000 + i * everyMs);
const TAPS = { toleranceMs: 70, acceptHalfAndDouble: true, periodic: true };

test.describe("comparing", () => {
  test("pairs as many marks and events as can be, one to one", () => {
    expect(match([0, 60], [50, 110], 55)).toEqual([{ mark: 0, event: 0 }, { mark: 1, event: 1 }]);
    expect(match([], [1], 5)).toEqual([]);
    expect(match([10, 12], [11], 5)).toHaveLength(1);
    const random = chance();
    for (let round = 0; round < 200; round += 1) {
      const some = (): number[] => Array.from({ length: 6 }, () => Math.round(random.next().value * 300)).sort((a, b) => a - b);
      const [marks, events] = [some(), some()];
      const pairs = match(marks, events, 40);
      expect(pairs.length, `${marks} against ${events}`).toBe(mostPairs(marks, events, 40));
      expect(new Set(pairs.map((pair) => pair.mark)).size).toBe(pairs.length);
      expect(new Set(pairs.map((pair) => pair.event)).size).toBe(pairs.length);
    }
  });

  test("takes the delay of taps out, and tells how steady they are", () => {
    const random = chance(7);
    const result = compareTaps(beats(40).map((beat) => beat + 120 + (random.next().value - 0.5) * 40), beats(40), TAPS);
    expect(result.level).toBe("each");
    expect(result.pairs).toHaveLength(40);
    expect(result.latencyMs).toBeGreaterThan(112);
    expect(result.latencyMs).toBeLessThan(128);
    expect(result.spreadMs).toBeLessThan(15);
  });

  test("knows half and twice the speed, and the off-beat", () => {
    const half = compareTaps(beats(20, 1000).map((beat) => beat + 30), beats(40), TAPS);
    expect([half.level, half.accepted, half.pairs.length]).toEqual(["half", true, 20]);
    const late = compareTaps(beats(20, 1000).map((beat) => beat + 500), beats(40), TAPS);
    expect([late.level, late.pairs.length]).toEqual(["half", 20]);
    const double = compareTaps(beats(79, 250), beats(40), { ...TAPS, acceptHalfAndDouble: false });
    expect([double.level, double.accepted]).toEqual(["double", false]);
    const off = compareTaps(beats(39).map((beat) => beat + 250), beats(40), TAPS);
    expect([off.level, off.accepted, off.pairs.length]).toEqual(["off-beat", false, 39]);
  });

  test("says in words where the taps drift", () => {
    const events = beats(39);
    const taps = events.map((beat, i) => beat + 40 + (i >= 13 && i < 26 ? 24 : 0));
    const outcome = tapOutcome(taps, events, { event_types: ["beat"], tolerance_ms: 70 }, null);
    expect(outcome.headline).toBe("39 of 39 beats within 70 ms");
    expect(outcome.lines).toContain("You are 24 ms late in the middle.");
    expect(outcome.lines.join(" ")).toContain("40 ms late; that was taken out");
    expect(outcome.score).toBe(1);
    expect(tapOutcome([], events, {}, null).score).toBe(0);
  });

  test("counts what was missed only where everything was asked for", () => {
    const all = compareMarks([1000, 5000], [1010, 3000, 5020], { toleranceMs: 100, some: false });
    expect([all.precision, all.recall]).toEqual([1, 2 / 3]);
    expect(compareMarks([1000, 5000], [1010, 3000, 5020], { toleranceMs: 100, some: true }).f).toBe(1);
    // On the beat is not between the beats.
    expect(compareMarks([1000, 1250], [1000, 1250], { toleranceMs: 60, some: true, excluded: [1000, 1500] }).f).toBe(0.5);
    expect(markOutcome([], [], [], { event_types: ["key"] }).headline).toBe("The analysis found no key changes");
  });

  test("compares letters by what they stand for", () => {
    const row = (labels: string): { fromMs: number; toMs: number; label: string }[] => [...labels].map((label, i) => ({ fromMs: i * 1000, toMs: (i + 1) * 1000, label }));
    expect(compareLabels(row("BABAC"), row("ABABC")).agreement).toBe(1);
    const apart = compareLabels(row("AAAA"), row("ABAB"));
    expect(apart.agreement).toBe(0.5);
    expect(apart.differing.map((one) => one.fromMs)).toEqual([1000, 3000]);
    // The greatest in each row first would give 10 + 1, not 9 + 9.
    expect(assign([[10, 9], [9, 1]])).toEqual([1, 0]);
    expect(assign([[1], [2]])).toEqual([null, 0]);
  });

  test("compares curves by their shape", () => {
    const measured = Array.from({ length: 50 }, (_, i) => ({ timeMs: i * 100, value: Math.sin(i / 8) }));
    const drawn = measured.map(({ timeMs, value }) => ({ timeMs, value: 0.5 + value / 4 }));
    expect(compareCurve(drawn, measured).correlation).toBeCloseTo(1, 5);
    expect(compareCurve(drawn.map(({ timeMs, value }) => ({ timeMs, value: 1 - value })), measured).correlation).toBeCloseTo(-1, 5);
    expect(compareCurve(drawn.map(({ timeMs }) => ({ timeMs, value: 0.5 })), measured).correlation).toBeNull();
    expect(compareCurve(drawn.slice(0, 25), measured).covered).toBe(0.5);
    const over = drawTo([{ timeMs: 0, value: 0 }, { timeMs: 50, value: 1 }, { timeMs: 100, value: 0 }], { timeMs: 20, value: 0 }, { timeMs: 80, value: 0 });
    expect(over.map((point) => point.timeMs)).toEqual([0, 20, 80, 100]);
  });

  test("reads fields and knows notes by both names", () => {
    expect(fieldOf({ key: { tonic: "A" } }, "key.tonic")).toBe("A");
    expect(fieldOf({}, "key.tonic")).toBeUndefined();
    expect(sameChoice("Eb", "D#")).toBe(true);
    expect(sameChoice("E", "Eb")).toBe(false);
    expect(sameChoice("major", "minor")).toBe(false);
  });

  test("hides what would give the answer away", () => {
    expect([...concealedBy("tap", { show: [] })]).toEqual(expect.arrayContaining(["waveform", "beats", "downbeats", "tempo", "summary"]));
    const shown = concealedBy("mark", { show: ["bands", "downbeats"] });
    expect(["bands", "downbeats", "beats"].filter((part) => shown.has(part as never))).toEqual([]);
    expect(shown.has("sections")).toBe(true);
    expect(concealedBy("tap", { show: [], reveal: "at_once" }).size).toBe(0);
    expect(concealedBy("mark", { show: ["beats"] }).has("downbeats")).toBe(true);
    expect([concealedBy("label", { show: ["sections"] }), concealedBy("mark", { show: ["sections"] })].map((hidden) => [hidden.has("sections"), hidden.has("labels")])).toEqual([[false, true], [false, false]]);
  });

  test("plays what a preset says", async () => {
    const places = { durationMs: 60_000, hereMs: 9_000, downbeats: async ({ fromMs, toMs }: { fromMs: number; toMs: number }) => beats(30, 2000).filter((one) => one >= fromMs && one < toMs), strongestSection: async () => 41_000, random: () => 0.5 };
    expect((await spanFor({ duration_ms: 30_000 }, places)).span).toEqual({ fromMs: 0, toMs: 30_000 });
    expect((await spanFor({ loop_bars: 2 }, places)).span).toEqual({ fromMs: 9000, toMs: 13_000 });
    expect(await spanFor({ bars_with_music: 8, bars_muted: 8 }, places)).toEqual({ span: { fromMs: 1000, toMs: 33_000 }, mutedFromMs: 17_000 });
    expect((await spanFor({ loop_bars: 16, end_at: "strongest_section" }, places)).span).toEqual({ fromMs: 9000, toMs: 41_000 });
    const random = (await spanFor({ start: "random", limit_bars: 8 }, places)).span;
    expect(random.toMs - random.fromMs).toBe(16_000);
    expect((await spanFor({}, places)).span).toEqual({ fromMs: 0, toMs: 60_000 });
    expect(excerptsOf({ excerpts: [0.05, 0.9], excerpt_ms: 20_000 }, 60_000, [])).toEqual([{ fromMs: 3000, toMs: 23_000 }, { fromMs: 40_000, toMs: 60_000 }]);
  });
});

test.describe("the page", () => {
  test.describe.configure({ mode: "serial" });
  let track: Uploaded;

  test.beforeAll(async ({ request }) => {
    track = await analysed(request, "Exercises");
  });

  const panelOf = (page: Page): Locator => page.getByRole("region", { name: "Listening prompts" });

  async function open(page: Page): Promise<Locator> {
    await signIn(page, `/tracks/${track.track.id}`);
    return panelOf(page);
  }

  async function begin(panel: Locator, prompt: string, preset?: string): Promise<void> {
    await panel.getByRole("button", { name: prompt }).click();
    await expect(panel.getByRole("heading", { name: prompt })).toBeFocused();
    if (preset) await panel.getByRole("radio", { name: preset }).check();
    await panel.getByRole("button", { name: "Start", exact: true }).click();
  }

  const isAccessible = async (page: Page): Promise<void> => {
    await settled(page);
    const { violations } = await new AxeBuilder({ page }).include(".exercise").analyze();
    expect(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
  };

  test("offers what this analysis can answer", async ({ page }) => {
    const panel = await open(page);
    await expect(panel.getByRole("button", { name: "Find the pulse" })).toBeVisible();
    // No sections were found in this piece.
    await expect(panel.getByRole("button", { name: "Where does the section change?" })).toHaveCount(0);
    await expect(panel.getByRole("button", { name: "Verse, chorus, bridge" })).toHaveCount(0);
    await panel.getByRole("checkbox", { name: /cannot answer/ }).check();
    await expect(panel.getByRole("button", { name: /Where does the section change.*No sections were found/ })).toBeDisabled();
    await panel.getByLabel("Category").selectOption("dynamics");
    await expect(panel.getByRole("list", { name: "Prompts" }).getByRole("button")).toHaveCount(2);
    await isAccessible(page);
    await page.getByRole("button", { name: "Dark colours" }).click();
    await isAccessible(page);
  });

  test("taps by keys are compared with the beats, and remembered", async ({ page }) => {
    const panel = await open(page);
    await begin(panel, "Find the pulse", "Tap along");
    await expect(panel.getByRole("button", { name: /^Tap/ })).toBeFocused();
    await panel.getByRole("button", { name: /hint/ }).click();
    await expect(panel.getByText("Do not think.")).toBeVisible();
    await page.keyboard.press("j");
    await panel.getByRole("button", { name: /^Tap/ }).press("Space");
    await expect(panel.getByText("2 taps")).toBeVisible();
    await isAccessible(page);
    await panel.getByRole("button", { name: "Check" }).click();
    const result = panel.getByRole("group", { name: "Result" });
    await expect(result).toBeFocused();
    await expect(result).toContainText(/of \d+ (beats|off-beats) within 70 ms/);
    await expect(panel.getByRole("status")).toContainText("within 70 ms");
    await isAccessible(page);
    await panel.getByRole("button", { name: "All prompts" }).click();
    await panel.getByText("Your last results").click();
    await expect(panel.getByRole("listitem").filter({ hasText: "within 70 ms" })).toBeVisible();
    await page.reload();
    await expect(panel.getByText("Your last results")).toBeVisible();
  });

  test("marks are set on the lane, moved by keys, removed, and right where the downbeats are", async ({ page, request }) => {
    const { items } = await ask(request, `/v1/analyses/${track.analysis.id}/events?type=downbeat&limit=5`);
    const downbeats: number[] = items.map((event: { time_ms: number }) => event.time_ms);
    const panel = await open(page);
    await begin(panel, "Find the downbeat", "Say one");
    const surface = page.getByRole("group", { name: "Marks on the lane" });
    await panel.getByRole("button", { name: "Stop" }).click();
    const { duration_ms } = await ask(request, `/v1/tracks/${track.track.id}`);
    const width = (await surface.boundingBox())!.width;
    for (const ms of downbeats) await surface.click({ position: { x: (ms / duration_ms) * width, y: 50 } });
    const marks = surface.getByRole("button");
    // Four are asked for: a fifth is not taken.
    await expect(panel.getByText("4 of 4 marked. For another, remove one first.")).toBeVisible();
    await expect(marks).toHaveCount(4);
    const before = await marks.last().getAttribute("aria-label");
    await marks.last().press("ArrowRight");
    await expect(marks.last()).not.toHaveAttribute("aria-label", before!);
    await marks.last().press("Delete");
    await expect(marks).toHaveCount(3);
    await expect(marks.last()).toBeFocused();
    await surface.click({ position: { x: (downbeats[4]! / duration_ms) * width, y: 50 } });
    await expect(marks).toHaveCount(4);
    await panel.getByRole("button", { name: "Check" }).click();
    await expect(panel.getByRole("group", { name: "Result" })).toContainText("4 of 4 marks on downbeats");
    await expect(panel.getByText("Excellent")).toBeVisible();
    await panel.getByRole("button", { name: "Hear it" }).click();
    await panel.getByRole("button", { name: "Stop" }).click();
    await panel.getByRole("button", { name: "Try again" }).click();
    await expect(panel.getByText("0 of 4 marked")).toBeVisible();
  });

  test("gives way to what is played elsewhere", async ({ page }) => {
    await page.route("**/v1/listening-prompts/presets*", async (route) => {
      const answer = await (await route.fetch()).json();
      for (const one of answer.items) if (one.name === "Tap along") one.config.duration_ms = 10_000;
      await route.fulfill({ json: answer });
    });
    const panel = await open(page);
    await begin(panel, "Find the pulse", "Tap along");
    await panel.getByRole("button", { name: /^Tap/ }).press("Space");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByRole("slider", { name: "Position" }).press("End");
    await expect(panel.getByRole("button", { name: "Play again" })).toBeVisible();
    // Nobody asked for the answer to be compared.
    await expect(panel.getByRole("button", { name: "Check" })).toBeEnabled();
  });

  test("plays nothing that was left meanwhile", async ({ page }) => {
    let answer = (): void => undefined;
    const answered = new Promise<void>((go) => (answer = go));
    const panel = await open(page);
    // The exercise's own; the lane of beats asks for 128 s.
    const beats = /events\?type=beat&from_ms=\d+&to_ms=(?!128000\b)\d+/;
    const asked = page.waitForRequest(beats);
    await page.route(beats, async (route) => (await answered, route.continue()));
    await begin(panel, "Find the syncopation");
    const read = page.waitForResponse(beats);
    await asked;
    await panel.getByRole("button", { name: "All prompts" }).click();
    answer();
    await (await read).finished();
    await expect(panel.getByRole("button", { name: "Find the pulse" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Play", exact: true })).toBeVisible();
  });

  test("choices and numbers are compared with the summary", async ({ page, request }) => {
    const { summary } = await ask(request, `/v1/analyses/${track.analysis.id}`);
    const panel = await open(page);
    const place = page.getByTitle("Bar and beat");
    const position = page.getByRole("slider", { name: "Position", exact: true });
    // Before the length is known it goes nowhere.
    await expect(position).toHaveAttribute("max", /^\d{4}/);
    await position.fill("20000");
    await expect(place).toBeVisible();
    await page.getByRole("tab", { name: "Beats" }).click();
    await expect(page.getByRole("button", { name: "Tap along" })).toBeVisible();
    await begin(panel, "How many beats in a bar?");
    // Where bars are what is asked for, nothing counts them.
    await expect(place).toBeHidden();
    await expect(page.getByRole("img", { name: /^Beats: .*bars/ })).toHaveCount(0);
    await expect(page.getByRole("button", { name: "Tap along" })).toHaveCount(0);
    await panel.getByRole("radio", { name: summary.time_signature }).check();
    await panel.getByRole("button", { name: "Check" }).click();
    await expect(panel.getByRole("group", { name: "Result" })).toContainText(`Yes: ${summary.time_signature}`);
    await panel.getByRole("button", { name: "All prompts" }).click();
    await begin(panel, "Squeezed or breathing?");
    await panel.getByLabel("Your guess in LU").fill(String(summary.loudness.range_lu + 1));
    await panel.getByRole("button", { name: "Check" }).click();
    await expect(panel.getByRole("group", { name: "Result" })).toContainText("within ±2 LU");
    await panel.getByRole("button", { name: "All prompts" }).click();
    await begin(panel, "Bright or dark?");
    await panel.getByRole("button", { name: "Play A" }).click();
    await panel.getByRole("radio", { name: "A", exact: true }).check();
    await panel.getByRole("button", { name: "Check" }).click();
    await expect(panel.getByRole("group", { name: "Result" })).toContainText(/Measured: (equally bright|[AB] is brighter by [\d.]+ semitones)\./);
  });

  test("a curve is drawn by keys, sections are named, notes are kept", async ({ page, request }) => {
    const sections = [0, 10_000, 20_000, 30_000].map((time_ms, i) => ({ time_ms, duration_ms: 10_000, event_type: "section", confidence: 0.9, event_data: { label: i % 2 ? "B" : "A" } }));
    await page.route(/\/events\?.*type=section/, (route) => route.fulfill({ json: { items: sections } }));
    await page.route(/\/tracks\/[^/]+\/analyses/, async (route) => {
      const page_ = await (await route.fetch()).json();
      for (const one of page_.items) one.summary.section_count = 4;
      await route.fulfill({ json: page_ });
    });
    const panel = await open(page);
    const foot = async (): Promise<number[]> => page.locator(".overview canvas").evaluate((canvas: HTMLCanvasElement) => [0.1, 0.4].flatMap((at) => [...canvas.getContext("2d")!.getImageData(Math.round(at * canvas.width), canvas.height - 2, 1, 1).data]));
    await expect(page.getByRole("img", { name: "Sections: A, B, A, B" })).toBeVisible();
    await expect.poll(async () => { const [r, g, b, a, ...other] = await foot(); return a! > 0 && other.join() !== [r, g, b, a].join(); }).toBe(true);
    await begin(panel, "The loudest and the softest");
    await expect.poll(async () => (await foot()).join()).toBe("0,0,0,0,0,0,0,0");
    const curve = page.getByRole("slider", { name: "Height of the curve" });
    await curve.press("ArrowUp");
    for (let i = 0; i < 10; i += 1) await curve.press(i % 3 ? "ArrowRight" : "ArrowDown");
    await expect(curve).toHaveAttribute("aria-valuetext", /% at/);
    await panel.getByRole("button", { name: "Check" }).click();
    await expect(panel.getByRole("group", { name: "Result" })).toContainText("Your loudness against the measured one");
    await panel.getByRole("button", { name: "All prompts" }).click();

    await begin(panel, "Verse, chorus, bridge");
    await expect(panel.getByRole("radiogroup")).toHaveCount(4);
    // Where they begin is shown, what they are called is what is asked.
    await expect(page.getByRole("img", { name: "Sections: 4" })).toBeVisible();
    await expect.poll(async () => { const [r, g, b, a, ...other] = await foot(); return a! > 0 && other.join() === [r, g, b, a].join(); }).toBe(true);
    for (const [i, letter] of ["C", "D", "C", "D"].entries()) await panel.getByRole("radiogroup").nth(i).getByRole("radio", { name: letter }).check();
    await isAccessible(page);
    await panel.getByRole("button", { name: "Check" }).click();
    await expect(panel.getByRole("group", { name: "Result" })).toContainText("has the same letter");
    await expect(panel.getByRole("group", { name: "Result" })).toContainText("Your C is the analysis' A.");
    await panel.getByRole("button", { name: "All prompts" }).click();

    await begin(panel, "Tell it in words");
    await panel.getByLabel(/in a line/).fill("Walks calmly");
    await panel.getByRole("button", { name: /Save at/ }).click();
    await expect(panel.getByRole("list", { name: "Notes" })).toContainText("Walks calmly");
    // It is an annotation like all others, and is taken back as they are.
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Undo/ }).first().click();
    await expect(panel.getByRole("list", { name: "Notes" })).toHaveCount(0);
    await page.getByRole("button", { name: /^Redo/ }).first().click();
    await expect(panel.getByRole("list", { name: "Notes" })).toContainText("Walks calmly");
    await expect(page.getByText("Done again: Annotation “Walks calmly” added")).toBeVisible();
    await panel.getByRole("button", { name: "I am done" }).click();
    await expect(panel.getByRole("group", { name: "Result" })).toContainText("1 note written");
    const kept = await ask(request, `/v1/tracks/${track.track.id}/annotations`);
    expect(kept.items.map((one: { title: string; category: string }) => [one.title, one.category])).toEqual([["Walks calmly", "journal"]]);
  });
});
