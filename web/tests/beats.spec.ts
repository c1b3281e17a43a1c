/** Beats and bars corrected, by pointer, by keys and by tapping along. */

import { expect, test } from "@playwright/test";
import type { APIRequestContext } from "@playwright/test";
import { axe, bearer, editOne, made, open, refusal, tracks } from "./editing";
import { ask } from "./support";

editOne();

test("beats are moved, bars begun, and undone one gesture at a time", async ({ page, request }) => {
  await open(page);
  const beats = (await ask(request, `/v1/analyses/${made.analysis.id}/events?type=beat&limit=1000`)).items;
  const grid = async (): Promise<any> => ask(request, `/v1/analyses/${made.analysis.id}/grid`);
  const knob = page.getByRole("slider", { name: "Beat to correct" });
  await knob.focus();
  // The focus alone chooses nothing.
  await expect(knob).toHaveAttribute("aria-valuetext", /^No beat is chosen/);
  await expect(page.getByRole("tab", { name: "Regions" })).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Beats" })).toHaveAttribute("aria-selected", "true");
  await expect(knob).toHaveAttribute("aria-valuetext", /^Beat \d of bar \d+, .*the machine’s$/);
  const at = Number(await knob.getAttribute("aria-valuenow"));
  // In one go: with more time between them a busy machine would make several gestures of them.
  await knob.evaluate((at) => {
    for (let step = 0; step < 3; step += 1) at.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", altKey: true, bubbles: true, cancelable: true }));
  });
  await expect(knob).toHaveAttribute("aria-valuetext", /corrected by you$/);
  await expect(knob).toHaveAttribute("aria-valuenow", String(at + 30));
  const corrections = (await ask(request, `${tracks()}/corrections`)).items;
  expect(corrections).toMatchObject([{ kind: "beat", time_ms: at + 30, moved_from_ms: at, source: "keyboard" }]);
  await expect(page.getByRole("list", { name: "Where beats come from" })).toContainText("1 corrected by you");
  // One beat elsewhere is no other tempo.
  await expect(page.locator(".facts > div").filter({ hasText: "Tempo" })).not.toContainText("corrected");

  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("d");
  await expect(page.getByRole("tab", { name: /Beats 2/ })).toBeVisible();
  await page.getByRole("button", { name: "Twice as many beats" }).click();
  await expect(page.getByRole("tab", { name: /Beats 3/ })).toBeVisible();
  await expect.poll(async () => (await grid()).summary.beat_count).toBeGreaterThan(1.8 * beats.length);
  await page.keyboard.press("Control+z");
  await expect(page.getByRole("tab", { name: /Beats 2/ })).toBeVisible();

  // All of them at once, and that undone as well: in a new batch each, which the undoing before still finds.
  await page.getByRole("button", { name: "Back to the machine’s" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove 2 corrections" }).click();
  await expect(page.getByText("These are the machine’s beats.")).toBeVisible();
  // The button that asked is gone.
  await expect(page.getByRole("tab", { name: "Beats" })).toBeFocused();
  expect((await ask(request, `${tracks()}/corrections`)).items).toEqual([]);
  await page.keyboard.press("Control+z");
  await expect(page.getByRole("tab", { name: /Beats 2/ })).toBeVisible();
  await page.keyboard.press("Control+z");
  await expect(page.getByRole("tab", { name: /Beats 1/ })).toBeVisible();
  await page.keyboard.press("Control+z");
  await expect(page.getByText("These are the machine’s beats.")).toBeVisible();
  expect((await ask(request, `${tracks()}/corrections`)).items).toEqual([]);
});

test("a beat is dragged with the mouse and added by a double click", async ({ page, request }) => {
  await open(page);
  const strip = page.locator(".beat-lane");
  // The transport sticks to the top: out from under it.
  await strip.evaluate((element) => element.scrollIntoView({ block: "center" }));
  const [box, duration] = [(await strip.boundingBox())!, (await ask(request, tracks())).duration_ms];
  const [{ time_ms: beat }, , , { time_ms: third }, { time_ms: fourth }] = (await ask(request, `/v1/analyses/${made.analysis.id}/events?type=beat&from_ms=20000&limit=5`)).items;
  const x = (ms: number): number => box.x + (ms / duration) * box.width;
  await page.mouse.move(x(beat), box.y + 20);
  await page.mouse.down();
  await page.mouse.move(x(beat) + 4, box.y + 20, { steps: 4 });
  await page.mouse.up();
  await expect(page.getByRole("tab", { name: /Beats 1/ })).toBeVisible();
  const list = async (): Promise<any[]> => (await ask(request, `${tracks()}/corrections`)).items;
  expect(await list()).toMatchObject([{ kind: "beat", moved_from_ms: beat, source: "drag" }]);
  // A busy machine may take two presses for single ones.
  await expect(async () => {
    await page.mouse.dblclick(x((third + fourth) / 2), box.y + 20);
    await expect(page.getByRole("tab", { name: /Beats 2/ })).toBeVisible({ timeout: 15_000 });
  }).toPass({ timeout: 60_000 });
  const added = (await list()).find((one) => one.moved_from_ms === null);
  expect(Math.abs(added.time_ms - (third + fourth) / 2)).toBeLessThan(60);
});

test("taps in a row are one gesture, and the grid follows them", async ({ page, request }) => {
  await open(page);
  await page.keyboard.press("k");
  const bar = page.getByRole("group", { name: "Tap along" });
  await expect(bar.getByRole("button", { name: /^Tap/ })).toBeFocused();
  await expect((await axe(page)).violations).toEqual([]);
  await page.waitForFunction(() => !document.querySelector(".edit-taps .edit-tools > button:nth-child(3)"), undefined);
  // In time with the music, as the page's clock has it.
  await page.evaluate(async () => {
    for (let n = 0; n < 8; n += 1) {
      await new Promise((next) => setTimeout(next, 517));
      dispatchEvent(new KeyboardEvent("keydown", { key: "k", bubbles: true }));
    }
  });
  await bar.getByRole("button", { name: "Done" }).click();
  await expect(bar).toBeHidden();
  await expect.poll(async () => (await ask(request, `${tracks()}/corrections?kind=tap&limit=100`)).items.length).toBe(8);
  const { items } = await ask(request, `${tracks()}/corrections?limit=100`);
  expect(new Set(items.map((one: any) => one.batch_id)).size).toBe(1);
  await expect(page.getByRole("button", { name: "Undo: 8 taps" })).toBeEnabled();
  await page.keyboard.press("Control+z");
  await expect.poll(async () => (await ask(request, `${tracks()}/corrections`)).items.length).toBe(0);
});

for (const [width, height] of [[1440, 900], [390, 844]] as const) {
  test(`nothing lies over what is to be pressed, taps that were thrown away come back, and leaving breaks nothing, ${width} pixels wide`, async ({ page }) => {
    const broken: string[] = [];
    page.on("pageerror", (error) => broken.push(error.message));
    await page.setViewportSize({ width, height });
    await open(page);
    await page.getByText("Export", { exact: true }).click();
    // A trial click goes to whatever lies on top.
    for (const name of [/^JAMS/, /^CSV/, /^rekordbox/]) await page.getByRole("link", { name }).click({ trial: true });
    await page.keyboard.press("Escape");

    await page.keyboard.press("k");
    const bar = page.getByRole("group", { name: "Tap along" });
    for (const key of ["k", "j", "k", "j", "k"]) await page.keyboard.press(key);
    await expect(bar.getByRole("button", { name: /^Tap 5/ })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(bar).toBeHidden();
    const told = page.locator(".notice").filter({ hasText: "5 taps discarded" });
    await told.getByRole("button", { name: "Undo" }).click();
    await expect(bar.getByRole("button", { name: /^Tap 5/ })).toBeVisible();
    await page.keyboard.press("Escape");
    await page.keyboard.press("k");
    await expect(told).toBeVisible();
    for (const name of ["Done", "Cancel"]) {
      const [box, over] = [(await bar.getByRole("button", { name }).boundingBox())!, (await told.boundingBox())!];
      expect(over.y + over.height).toBeLessThanOrEqual(box.y);
    }
    await bar.getByRole("button", { name: "Cancel" }).click({ trial: true });
    await page.keyboard.press("Escape");
    await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "Library" }).click();
    await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
    expect(broken).toEqual([]);
  });
}

test("a correction that is stored stays where its beats cannot be decoded, and they are decoded later", async ({ page, request }) => {
  await open(page);
  await page.getByRole("slider", { name: "Beat to correct" }).press("ArrowRight");
  await page.route("**/regrid", (route) => route.fulfill(refusal(500, "Something failed")));
  await page.getByRole("button", { name: "+10 ms" }).click();
  const notice = page.locator(".notice").filter({ hasText: "What you corrected is stored" });
  await expect(notice).toContainText("Something failed");
  await expect(page.getByText("was not stored")).toHaveCount(0);
  expect((await ask(request, `${tracks()}/corrections`)).items).toHaveLength(1);
  await page.unroute("**/regrid");
  await notice.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("tab", { name: /Beats 1/ })).toBeVisible();
  const undo = page.getByRole("button", { name: /^Undo/ });
  await expect(undo).toHaveAccessibleName("Undo: Beat moved by +10 ms");
  await undo.click();
  await expect(page.getByText("These are the machine’s beats.")).toBeVisible();
  expect((await ask(request, `${tracks()}/corrections`)).items).toEqual([]);
  // With nothing more to undo the button keeps the focus.
  await expect(undo).toBeDisabled();
  await expect(undo).toBeFocused();
});

const correct = async (request: APIRequestContext, data: object): Promise<void> => {
  const response = await request.post(`${tracks()}/corrections`, { headers: bearer, data: { analysis_id: made.analysis.id, source: "click", corrections: [data] } });
  expect(response.ok()).toBe(true);
};

test("corrections are all decoded, told in the facts, and there again after another analysis was shown", async ({ page, request }) => {
  await correct(request, { kind: "no_beat", time_ms: 20_000 });
  expect((await request.post(`/v1/analyses/${made.analysis.id}/regrid`, { headers: bearer, data: {} })).ok()).toBe(true);
  // Said since the grid was decoded: the page decodes it.
  await correct(request, { kind: "tempo", time_ms: 0, factor: "half" });
  const { summary } = await ask(request, `/v1/analyses/${made.analysis.id}`);
  await page.route(/\/v1\/tracks\/[^/]+\/analyses/, async (route) => {
    const answer = await (await route.fetch()).json();
    const failed = { ...answer.items[0], id: "00000000-0000-4000-8000-000000000000", status: "error", error_kind: "internal", error_message: "It broke.", summary: null };
    await route.fulfill({ json: { ...answer, items: [...answer.items, failed] } });
  });
  await open(page);
  await page.getByRole("tab", { name: /^Beats/ }).click();
  await expect(page.getByText("2 corrections", { exact: true })).toBeVisible();
  const tempo = page.locator(".facts > div").filter({ hasText: "Tempo" });
  await expect(tempo).toContainText("corrected");
  // What is exported is what is seen.
  await page.getByText("Export", { exact: true }).click();
  const file = await request.get((await page.getByRole("link", { name: /^rekordbox/ }).getAttribute("href"))!, { headers: bearer });
  expect(await file.text()).toContain(`AverageBpm="${(await ask(request, `/v1/analyses/${made.analysis.id}/grid`)).summary.tempo_bpm.toFixed(2)}"`);
  await page.keyboard.press("Escape");
  expect(parseFloat((await tempo.locator("dd").textContent())!)).toBeLessThan(summary.tempo_bpm * 0.6);
  const picker = page.locator(".picker select");
  await picker.selectOption("00000000-0000-4000-8000-000000000000");
  await expect(page.getByText("The analysis failed.")).toBeVisible();
  await picker.selectOption(made.analysis.id);
  await expect(page.getByText("2 corrections", { exact: true })).toBeVisible();
});
