/** Editing: regions, annotations and beats, by pointer and by keys, undone and done again; and what is told where it fails. */

import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import type { APIRequestContext, Locator, Page } from "@playwright/test";
import { analysed, ask, signIn, TOKEN } from "./support";
import type { Uploaded } from "./support";

const bearer = { authorization: `Bearer ${TOKEN}` };
let made: Uploaded;
const tracks = (): string => `/v1/tracks/${made.track.id}`;

test.beforeAll(async ({ request }) => {
  made = await analysed(request, "Edited");
});

test.afterEach(async ({ request }) => {
  for (const kind of ["regions", "annotations"]) {
    for (const { id } of (await ask(request, `${tracks()}/${kind}?limit=500`)).items) await request.delete(`${tracks()}/${kind}/${id}`, { headers: bearer });
  }
  await request.delete(`${tracks()}/corrections`, { headers: bearer });
  await request.delete(`/v1/analyses/${made.analysis.id}/grid`, { headers: bearer });
});

const say = async (request: APIRequestContext, kind: "regions" | "annotations", data: object): Promise<any> =>
  (await request.post(`${tracks()}/${kind}`, { headers: bearer, data })).json();

async function open(page: Page): Promise<void> {
  await signIn(page, `/tracks/${made.track.id}`);
  await expect(page.getByRole("heading", { name: "Edit", exact: true })).toBeVisible();
  // The beats are there once one of them can be chosen.
  await page.getByRole("tab", { name: "Beats" }).click();
  await expect(page.getByRole("button", { name: "Tap along" })).toBeEnabled();
  await page.getByRole("tab", { name: "Regions" }).click();
  await expect(page.getByText("One moment…")).toHaveCount(0);
}

const lane = (page: Page, name: string): Locator => page.getByRole("group", { name, exact: true }).locator(".edit-strip");
const block = (page: Page, name: string): Locator => page.locator(".edit-block").filter({ hasText: name });

/** Drags over a lane between two parts of its width. */
async function drag(page: Page, at: Locator, from: number, to: number): Promise<void> {
  await at.scrollIntoViewIfNeeded();
  const box = (await at.boundingBox())!;
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + from * box.width, y);
  await page.mouse.down();
  await page.mouse.move(box.x + ((from + to) / 2) * box.width, y, { steps: 4 });
  await page.mouse.move(box.x + to * box.width, y, { steps: 4 });
  await page.mouse.up();
}

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
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("Shift+ArrowLeft");
  // Keys in a row are one gesture.
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
  await expect(page.getByText("One moment…")).toBeVisible();
  answer();
  await expect(block(page, "Written before")).toBeVisible();
  await expect(block(page, "Written meanwhile")).toHaveAttribute("aria-pressed", "true");
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
  await elsewhere("Theirs again");
  await rename("Best");
  await page.getByRole("button", { name: "Keep what is stored" }).click();
  await expect(page.locator(".edit-block")).toHaveText("Theirs again");
});

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
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("Alt+ArrowRight");
  await expect(knob).toHaveAttribute("aria-valuetext", /corrected by you$/);
  await expect(knob).toHaveAttribute("aria-valuenow", String(at + 30));
  const corrections = (await ask(request, `${tracks()}/corrections`)).items;
  expect(corrections).toMatchObject([{ kind: "beat", time_ms: at + 30, moved_from_ms: at, source: "keyboard" }]);
  await expect(page.getByRole("list", { name: "Where beats come from" })).toContainText("1 corrected by you");

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
  await page.mouse.dblclick(x((third + fourth) / 2), box.y + 20);
  await expect(page.getByRole("tab", { name: /Beats 2/ })).toBeVisible();
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
    for (const name of [/^JAMS/, /^CSV/, /^rekordbox/]) await page.getByRole("link", { name }).click({ trial: true, timeout: 5_000 });
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

test("without a network what was done is kept, told, and stored later; what is refused names its field", async ({ page, request }) => {
  await open(page);
  await page.route("**/regions", (route) => (route.request().method() === "POST" ? route.abort("internetdisconnected") : route.fallback()));
  await page.keyboard.press("r");
  await page.getByRole("dialog", { name: "New region" }).getByLabel("Name").fill("Kept");
  await page.keyboard.press("Enter");
  await expect(page.getByText("One change is not stored yet")).toBeVisible();
  await expect(block(page, "Kept")).toBeVisible();
  await page.unroute("**/regions");
  await page.locator(".edit-waiting").getByRole("button", { name: "Try now" }).click();
  await expect(page.getByText("One change is not stored yet")).toHaveCount(0);
  await expect.poll(async () => (await ask(request, `${tracks()}/regions`)).items.length).toBe(1);

  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog", { name: "New region" });
  await dialog.getByLabel("To").fill("9:00:00");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("To")).toBeFocused();
  await expect(dialog.locator("#edit-error-end_time_ms")).toBeVisible();
  await expect(page.locator(".edit-block")).toHaveCount(1);
});

const refusal = (status: number, title: string) => ({ status, contentType: "application/problem+json", json: { type: "about:blank", title, status } });

test("a refusal that is no field's fault is said in the dialog, which keeps what was written", async ({ page, request }) => {
  await open(page);
  await page.route("**/regions", (route) => (route.request().method() === "POST" ? route.fulfill(refusal(409, "There are too many regions")) : route.fallback()));
  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog", { name: "New region" });
  await dialog.getByLabel("Name").fill("One more");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toHaveText("There are too many regions");
  await expect((await axe(page)).violations).toEqual([]);
  await page.unroute("**/regions");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toHaveCount(0);
  await expect.poll(async () => (await ask(request, `${tracks()}/regions`)).items.map((one: any) => one.name)).toEqual(["One more"]);
});

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

test("what waits for the server comes through though its page was left", async ({ page, request }) => {
  await open(page);
  let go = (): void => undefined;
  const left = new Promise<void>((done) => (go = done));
  await page.route("**/regions", async (route) => {
    if (route.request().method() === "POST") await left;
    await route.fallback();
  });
  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog", { name: "New region" });
  await dialog.getByLabel("Name").fill("First");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("button", { name: "Saving…" })).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByLabel("Import JAMS or Audacity labels").setInputFiles({ name: "labels.txt", mimeType: "text/plain", buffer: Buffer.from("21.0\t25.5\tBridge\n30\t31\tCoda\n") });
  await expect(page.getByRole("button", { name: "Undo: Regions taken from labels.txt" })).toBeVisible();
  await page.getByRole("link", { name: "Arsis" }).click();
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
  go();
  await expect(page.getByText("2 regions taken from labels.txt")).toBeVisible();
  expect((await ask(request, `${tracks()}/regions`)).items.map((one: any) => one.name).sort()).toEqual(["Bridge", "Coda", "First"]);
  await expect(page.locator(".notice.error")).toHaveCount(0);
});

test("what one person has left behind is not sent as another", async ({ page, request }) => {
  const me = await ask(request, "/v1/me");
  await open(page);
  let sent = 0;
  await page.route("**/regions", (route) => {
    if (route.request().method() !== "POST") return route.fallback();
    sent += 1;
    return route.fulfill(refusal(401, "A session token is needed"));
  });
  await page.keyboard.press("r");
  await page.getByRole("dialog", { name: "New region" }).getByLabel("Name").fill("Mine");
  await page.keyboard.press("Enter");
  const again = page.getByRole("dialog", { name: "Sign in" });
  await page.route("**/v1/me", (route) => route.fulfill({ json: { ...me, user_id: "00000000-0000-4000-8000-000000000001" } }));
  await again.getByLabel("Token or link").fill(TOKEN);
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(page.locator(".notice").filter({ hasText: "One change was not stored" })).toBeVisible();
  await expect(again).toHaveCount(0);
  expect(sent).toBe(1);
  expect((await ask(request, `${tracks()}/regions`)).items).toEqual([]);
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

const axe = (page: Page) =>
  new AxeBuilder({ page }).include(".edit-panel").include(".edit-lane").include(".beat-layer").withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();

test.describe("what goes on after a failure", () => {
  const region = (name: string): object => ({ name, start_time_ms: 2000, end_time_ms: 8000 });
  const correct = async (request: APIRequestContext, data: object): Promise<void> => {
    const response = await request.post(`${tracks()}/corrections`, { headers: bearer, data: { analysis_id: made.analysis.id, source: "click", corrections: [data] } });
    expect(response.ok()).toBe(true);
  };

  async function signInAgain(page: Page): Promise<void> {
    const again = page.getByRole("dialog", { name: "Sign in" });
    await again.getByLabel("Token or link").fill(TOKEN);
    await again.getByRole("button", { name: "Sign in" }).click();
    await expect(again).toHaveCount(0);
  }

  test("a track that is opened as the session ends is all there after signing in again", async ({ page, context, request }) => {
    await say(request, "regions", region("Kept"));
    await signIn(page);
    const link = page.locator(`a[href="/tracks/${made.track.id}"]`).first();
    await expect(link).toBeVisible();
    await context.clearCookies();
    await link.click();
    await expect(page.getByRole("dialog", { name: "Sign in" })).toBeVisible();
    await signInAgain(page);
    await expect(page.getByRole("heading", { name: "Edited" })).toBeVisible();
    await expect(page.locator("[data-kind=spectrogram] canvas")).toHaveAttribute("data-drawn", "true");
    await expect(block(page, "Kept")).toBeVisible();
    await expect(page.getByRole("button", { name: "Find the pulse" })).toBeVisible();
  });

  test("analyses that could not be read are asked for again", async ({ page }) => {
    const list = /\/v1\/tracks\/[^/]+\/analyses/;
    await page.route(list, (route) => route.fulfill({ status: 404, contentType: "application/problem+json", body: JSON.stringify({ title: "Not found", status: 404 }) }));
    await signIn(page, `/tracks/${made.track.id}`);
    const note = page.getByRole("alert").filter({ hasText: "The analyses could not be read." });
    await expect(note).toBeVisible();
    await page.unroute(list);
    await note.getByRole("button", { name: "Try again" }).click();
    await expect(page.locator("[data-kind=spectrogram] canvas")).toHaveAttribute("data-drawn", "true");
    await expect(note).toHaveCount(0);
  });

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
    expect(parseFloat((await tempo.locator("dd").textContent())!)).toBeLessThan(summary.tempo_bpm * 0.6);
    const picker = page.locator(".picker select");
    await picker.selectOption("00000000-0000-4000-8000-000000000000");
    await expect(page.getByText("The analysis failed.")).toBeVisible();
    await picker.selectOption(made.analysis.id);
    await expect(page.getByText("2 corrections", { exact: true })).toBeVisible();
  });

  test("what waits for its author is not stored by whoever signs in next", async ({ page, context, request }) => {
    await open(page);
    await context.clearCookies();
    await drag(page, lane(page, "Regions"), 0.2, 0.4);
    await page.getByRole("dialog", { name: "New region" }).getByLabel("Name").fill("Mine");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog", { name: "Sign in" })).toBeVisible();
    await page.route("**/v1/me", async (route) => {
      const me = await (await route.fetch()).json();
      await route.fulfill({ json: { ...me, user_id: "00000000-0000-4000-8000-000000000000" } });
    });
    await signInAgain(page);
    await expect(page.getByText("One change was not stored")).toBeVisible();
    await expect(page.getByText("not stored yet")).toHaveCount(0);
    expect((await ask(request, `${tracks()}/regions`)).items).toEqual([]);
  });
});

test("what is drawn with the mouse begins where it began, and Escape calls it off", async ({ page }) => {
  await open(page);
  const canvas = page.locator("[data-kind=spectrogram] canvas");
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("+");
  await expect(canvas).toHaveAttribute("data-drawn", "true");
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
