/** Regions and annotations, by pointer and by keys, undone and done again. */

import { expect, test } from "@playwright/test";
import type { Locator } from "@playwright/test";
import { axe, bearer, block, drag, editOne, lane, made, open, say, tracks } from "./editing";
import { ask, drawn, signIn } from "./support";

editOne();

test("a region is drawn on its lane, named, moved by keys, removed, and all of it undone", async ({ page, request }) => {
  await open(page);
  await drag(page, lane(page, "Regions"), 0.2, 0.4);
  const dialog = page.getByRole("dialog", { name: "New region" });
  await dialog.getByLabel("Name").fill("Verse");
  await dialog.getByLabel("Part of the piece").selectOption("verse");
  await dialog.getByRole("radio", { name: "Green" }).check();
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  const list = async (): Promise<any[]> => (await ask(request, `${tracks()}/regions`)).items;
  const [first] = await list();
  expect(first).toMatchObject({ name: "Verse", section_type: "verse", color: "#3f9d5d" });
  // Its edges fell in with beats.
  const beats = (await ask(request, `/v1/analyses/${made.analysis.id}/events?type=beat&limit=1000`)).items.map((one: any) => one.time_ms);
  expect(beats).toContain(first.start_time_ms);

  await block(page, "Verse").focus();
  await page.keyboard.press("ArrowRight");
  await expect.poll(async () => (await list())[0].start_time_ms).toBe(beats[beats.indexOf(first.start_time_ms) + 1]);
  // Keys in a row are one gesture; in one go, as a busy machine may let too much time pass between them.
  await block(page, "Verse").evaluate(async (at) => {
    for (let step = 0; step < 2; step += 1) {
      at.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", shiftKey: true, bubbles: true, cancelable: true }));
      await new Promise((next) => setTimeout(next));
    }
  });
  await expect.poll(async () => (await list())[0].start_time_ms).toBe(beats[beats.indexOf(first.start_time_ms) + 1] - 20);

  await block(page, "Verse").focus();
  await page.keyboard.press("Delete");
  await expect(block(page, "Verse")).toHaveCount(0);
  await expect.poll(async () => (await list()).length).toBe(0);
  for (const start of [beats[beats.indexOf(first.start_time_ms) + 1] - 20, beats[beats.indexOf(first.start_time_ms) + 1], first.start_time_ms]) {
    await page.keyboard.press("Control+z");
    await expect.poll(async () => (await list())[0]?.start_time_ms).toBe(start);
  }
  // Made anew it has another id, and all that it had before.
  const [again] = await list();
  expect(again).toMatchObject({ name: "Verse", section_type: "verse", color: "#3f9d5d", end_time_ms: first.end_time_ms });
  expect(again.id).not.toBe(first.id);
  await page.keyboard.press("Control+z");
  await expect.poll(async () => (await list()).length).toBe(0);
  for (let step = 0; step < 4; step += 1) await page.getByRole("button", { name: /^Redo/ }).click();
  await expect(page.getByRole("button", { name: "Redo", exact: true })).toBeDisabled();
  await expect(page.locator(".notice").filter({ hasText: "Done again: Region “Verse” removed" })).toBeVisible();
  await expect.poll(async () => (await list()).length).toBe(0);
});

test("a region is resized by its edge, put in another order, and taken to a file and back", async ({ page, request }) => {
  await say(request, "regions", { name: "One", start_time_ms: 2000, end_time_ms: 8000, display_order: 1 });
  await say(request, "regions", { name: "Two", start_time_ms: 10000, end_time_ms: 20000, display_order: 2 });
  await open(page);
  const one = block(page, "One");
  await one.scrollIntoViewIfNeeded();
  const box = (await one.boundingBox())!;
  await page.keyboard.down("Alt");
  await page.mouse.move(box.x + box.width - 3, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 57, box.y + 10, { steps: 5 });
  await page.mouse.up();
  await page.keyboard.up("Alt");
  const list = async (): Promise<any[]> => (await ask(request, `${tracks()}/regions`)).items;
  await expect.poll(async () => (await list())[0].end_time_ms).toBeGreaterThan(9000);
  expect((await list())[0].start_time_ms).toBe(2000);

  await page.getByRole("list", { name: /^Regions/ }).getByRole("button", { name: /Two/ }).click();
  await expect(page.getByRole("group", { name: "Playback" }).getByRole("button", { name: "Pause" })).toBeVisible();
  await page.getByRole("button", { name: "Earlier in the list" }).click();
  await expect.poll(async () => (await list()).map((region) => region.name)).toEqual(["Two", "One"]);
  await page.keyboard.press("Control+z");
  await expect.poll(async () => (await list()).map((region) => region.name)).toEqual(["One", "Two"]);

  await page.getByLabel("Import JAMS or Audacity labels").setInputFiles({ name: "labels.txt", mimeType: "text/plain", buffer: Buffer.from("21.0\t25.5\tBridge\n30\t31\tCoda\n") });
  await expect(page.getByText("2 regions taken from labels.txt").first()).toBeVisible();
  await expect(block(page, "Bridge")).toBeVisible();
  await page.keyboard.press("Control+z");
  await expect(block(page, "Bridge")).toHaveCount(0);
  await expect.poll(async () => (await list()).length).toBe(2);
});

test("what is selected by a region goes along with it, when that is undone as well", async ({ page, request }) => {
  await say(request, "regions", { name: "One", start_time_ms: 2000, end_time_ms: 8000 });
  await open(page);
  const width = async (of: Locator): Promise<number> => Math.round((await of.boundingBox())!.width);
  const [one, selected] = [block(page, "One"), page.locator(".selected")];
  await one.click();
  await expect(selected).toBeVisible();
  const before = await width(one);
  expect(Math.abs((await width(selected)) - before)).toBeLessThanOrEqual(1);
  const box = (await one.boundingBox())!;
  await page.keyboard.down("Alt");
  await page.mouse.move(box.x + box.width - 3, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 57, box.y + 10, { steps: 5 });
  await page.mouse.up();
  await page.keyboard.up("Alt");
  await expect.poll(async () => Math.abs((await width(selected)) - before - 60)).toBeLessThanOrEqual(2);
  await page.keyboard.press("Control+z");
  await expect.poll(() => width(one)).toBe(before);
  await expect.poll(async () => Math.abs((await width(selected)) - before)).toBeLessThanOrEqual(1);
});

test("annotations are written at the playhead, found, and keep their words when a removal is undone", async ({ page, request }) => {
  await open(page);
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "New annotation" });
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByText("A word or two are needed.")).toBeVisible();
  await dialog.getByLabel("Title").fill("Bass comes in");
  await dialog.getByLabel("Text").fill("Quietly.\nThen louder.");
  await dialog.getByLabel("Category").fill("instrument");
  // A click beside it loses nothing.
  await page.mouse.click(5, 5);
  await dialog.getByLabel("From").fill("0:12.5");
  await dialog.getByRole("button", { name: "Save" }).click();
  const list = async (): Promise<any[]> => (await ask(request, `${tracks()}/annotations`)).items;
  await expect(dialog).toBeHidden();
  await expect(block(page, "Bass comes in")).toBeVisible();
  const [first] = await list();
  expect(first).toMatchObject({ start_time_ms: 12500, end_time_ms: null, content: "Quietly.\nThen louder.", is_private: true });
  await page.getByLabel("Find in annotations").fill("guitar");
  await expect(page.getByText("No annotation is like that.")).toBeVisible();
  await page.getByLabel("Find in annotations").fill("louder");
  await page.getByRole("list", { name: /^Annotations/ }).getByRole("button", { name: /Bass comes in/ }).click();
  await page.getByRole("group", { name: "Annotation Bass comes in" }).getByRole("button", { name: "Remove" }).click();
  await expect.poll(async () => (await list()).length).toBe(0);
  await page.getByRole("button", { name: /^Undo: Annotation/ }).click();
  await expect.poll(async () => (await list())[0]).toMatchObject({ start_time_ms: 12500, content: "Quietly.\nThen louder.", category: "instrument" });
});

test("what is written while the list is still read stays", async ({ page, request }) => {
  await say(request, "annotations", { title: "Written before", start_time_ms: 3_000 });
  let answer = (): void => undefined;
  const isWritten = new Promise<void>((done) => (answer = done));
  await page.route("**/annotations?*", async (route) => {
    const read = await route.fetch();
    await isWritten;
    await route.fulfill({ response: read });
  });
  await signIn(page, `/tracks/${made.track.id}`);
  await page.getByRole("tab", { name: "Annotations" }).click();
  await page.keyboard.press("n");
  await page.getByLabel("Title").fill("Written meanwhile");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.locator(".edit-panel").getByText("One moment…")).toBeVisible();
  answer();
  await expect(block(page, "Written before")).toBeVisible();
  await expect(block(page, "Written meanwhile")).toHaveAttribute("aria-pressed", "true");
});

test("what is drawn with the mouse begins where it began, and Escape calls it off", async ({ page }) => {
  await open(page);
  const canvas = page.locator("[data-kind=spectrogram] canvas");
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("+");
  await drawn(page);
  const seen = async (): Promise<{ fromMs: number; msPerPx: number }> => canvas.evaluate((at: HTMLCanvasElement) => ({ fromMs: Number(at.dataset["fromMs"]), msPerPx: Number(at.dataset["msPerPx"]) }));
  await canvas.scrollIntoViewIfNeeded();
  const box = (await canvas.boundingBox())!;
  const [before, y] = [await seen(), box.y + box.height / 2];
  await page.mouse.move(box.x + 300, y);
  await page.mouse.down();
  await page.mouse.move(box.x + 350, y, { steps: 3 });
  await page.keyboard.press("PageDown");
  await expect.poll(async () => (await seen()).fromMs).toBeGreaterThan(before.fromMs);
  await page.mouse.move(box.x + 400, y, { steps: 3 });
  await page.mouse.up();
  const after = await seen();
  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog", { name: "New region" });
  const ms = async (label: string): Promise<number> => (await dialog.getByLabel(label).inputValue()).split(":").reduce((sum, part) => sum * 60 + Number(part), 0) * 1000;
  expect(Math.abs((await ms("From")) - (before.fromMs + 300 * before.msPerPx))).toBeLessThan(2 * before.msPerPx);
  expect(Math.abs((await ms("To")) - (after.fromMs + 400 * after.msPerPx))).toBeLessThan(2 * after.msPerPx);
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();

  const strip = lane(page, "Regions");
  await strip.scrollIntoViewIfNeeded();
  const at = (await strip.boundingBox())!;
  await page.mouse.move(at.x + 100, at.y + 10);
  await page.mouse.down();
  await page.mouse.move(at.x + 200, at.y + 10, { steps: 3 });
  await expect(page.locator(".edit-fresh")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.mouse.move(at.x + 250, at.y + 10, { steps: 3 });
  await expect(page.locator(".edit-fresh")).toHaveCount(0);
  await page.mouse.up();
  await expect(dialog).toHaveCount(0);
});

test("what somebody else changed is shown beside what one wants, and one chooses", async ({ page, request }) => {
  const region = await say(request, "regions", { name: "Mine", start_time_ms: 5000, end_time_ms: 9000 });
  await open(page);
  await expect(block(page, "Mine")).toBeVisible();
  const elsewhere = (name: string) => request.patch(`${tracks()}/regions/${region.id}`, { headers: bearer, data: { name } });
  const rename = async (name: string): Promise<void> => {
    await page.locator(".edit-block").press("Enter");
    await page.getByRole("dialog", { name: "Edit region" }).getByLabel("Name").fill(name);
    await page.keyboard.press("Enter");
  };
  await elsewhere("Theirs");
  await rename("Better");
  const choice = page.getByRole("dialog", { name: "“Theirs” was changed meanwhile" });
  await expect(choice.getByRole("row", { name: "Name Better Theirs" })).toBeVisible();
  await expect((await axe(page)).violations).toEqual([]);
  await choice.getByRole("button", { name: "Store mine" }).click();
  await expect.poll(async () => (await ask(request, `${tracks()}/regions/${region.id}`)).name).toBe("Better");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await elsewhere("Theirs again");
  await rename("Best");
  await page.getByRole("button", { name: "Keep what is stored" }).click();
  await expect(page.locator(".edit-block")).toHaveText("Theirs again");
});

test("a notice undoes what it tells of, and goes where that was undone already", async ({ page, request }) => {
  await say(request, "regions", { name: "One", start_time_ms: 2000, end_time_ms: 8000 });
  await say(request, "regions", { name: "Two", start_time_ms: 10000, end_time_ms: 20000 });
  await open(page);
  for (const name of ["One", "Two"]) {
    await block(page, name).press("Delete");
    await expect(block(page, name)).toHaveCount(0);
  }
  const names = async (): Promise<string[]> => (await ask(request, `${tracks()}/regions`)).items.map((one: any) => one.name);
  await expect.poll(names).toEqual([]);
  const notice = (name: string) => page.locator(".notice").filter({ hasText: `Region “${name}” removed` });
  await notice("One").getByRole("button", { name: "Undo" }).click();
  await expect.poll(names).toEqual(["One"]);
  await page.keyboard.press("Control+z");
  await expect.poll(async () => (await names()).sort()).toEqual(["One", "Two"]);
  await expect(notice("Two").getByRole("button", { name: "Undo" })).toHaveCount(0);
});

for (const [colours, width, height] of [["light", 1440, 900], ["dark", 390, 844]] as const) {
  test(`everybody can use it: ${colours}, ${width} pixels wide`, async ({ page, request }) => {
    await page.emulateMedia({ colorScheme: colours });
    await page.setViewportSize({ width, height });
    await say(request, "regions", { name: "Verse", start_time_ms: 2000, end_time_ms: 8000, color: "#e07b39" });
    await say(request, "annotations", { title: "Here", start_time_ms: 9000, content: "Listen." });
    await request.post(`${tracks()}/corrections`, { headers: bearer, data: { corrections: [{ kind: "beat", time_ms: 10_100 }] } });
    await open(page);
    for (const tab of ["Regions", "Annotations", "Beats"]) {
      await page.getByRole("tab", { name: tab }).click();
      const first = page.locator(".edit-row").first();
      if (tab !== "Beats") await first.click();
      await expect((await axe(page)).violations, tab).toEqual([]);
    }
    await page.keyboard.press("n");
    await expect((await axe(page)).violations).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });
}
