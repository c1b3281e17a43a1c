/** The pictures of a track's page: what is drawn is what was analysed, and the view goes where it is asked to. */

import { readFileSync, writeFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { palette, stepOf } from "../src/track/frames/colours";
import { analysed, ask, AUDIO, drawn, settled, signIn, spectrum, TOKEN } from "./support";
import type { Uploaded } from "./support";

const bearer = { authorization: `Bearer ${TOKEN}` };
let demo: Uploaded;

test.beforeAll(async ({ playwright, baseURL }) => {
  const request = await playwright.request.newContext({ baseURL: baseURL! });
  demo = await analysed(request, "Drawn");
  await request.dispose();
});

const visiblePart = (page: Page) => page.getByRole("slider", { name: "Visible part", exact: true });
const readout = (page: Page) => page.locator(".lanes-readout");

async function open(page: Page, track = demo.track.id): Promise<void> {
  await signIn(page, `/tracks/${track}`);
  await drawn(page);
}

/** Presses a key so often, then waits for the picture. */
async function press(page: Page, key: string, times = 1): Promise<void> {
  for (let time = 0; time < times; time += 1) await page.keyboard.press(key);
  await drawn(page);
}

/** Length of the visible part, in ms. */
async function seenMs(page: Page): Promise<number> {
  const [from, to] = (await visiblePart(page).getAttribute("aria-valuetext"))!.split(" to ").map((text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0) * 1000);
  return to! - from!;
}

for (const theme of ["dark", "light"] as const) {
  test(`each pixel of the spectrum has the colour of its frame and band, ${theme}`, async ({ page, request }) => {
    await page.emulateMedia({ colorScheme: theme });
    await open(page);
    await press(page, "+", 5);
    await expect(spectrum(page)).toHaveAttribute("data-level", "0");
    await drawn(page);
    const told: any = await spectrum(page).evaluate((canvas: HTMLCanvasElement) => ({ ...canvas.dataset, width: canvas.width, height: canvas.height }));
    const [hopMs, fromMs, msPerPx] = [told.hopMs, told.fromMs, told.msPerPx].map(Number) as [number, number, number];

    const manifest = await ask(request, `/v1/analyses/${demo.analysis.id}/manifest`);
    const bands = manifest.frame_layout.fields.find((field: { name: string }) => field.name === "bands");
    const response = await request.get(`/v1/analyses/${demo.analysis.id}/frames?level=0`, { headers: { ...bearer, accept: "application/octet-stream" } });
    const frames = await response.body();
    const points = Array.from({ length: 400 }, (_, at) => {
      // Far apart in time and in frequency, the same at each run.
      const frame = Math.floor(fromMs / hopMs) + 3 + ((at * 37) % Math.floor((told.width * msPerPx) / hopMs - 6));
      const band = (at * 23) % bands.count;
      const x = ((frame + 0.5) * hopMs - fromMs) / msPerPx;
      const y = (1 - (band + 0.5) / bands.count) * told.height;
      return { frame, band, x: Math.floor(x), y: Math.floor(y) };
    });
    const seen = await spectrum(page).evaluate((canvas: HTMLCanvasElement, points) => points.map(({ x, y }) => [...canvas.getContext("2d")!.getImageData(x, y, 1, 1).data.slice(0, 3)]), points);
    const colours = palette(theme);
    const wanted = points.map(({ frame, band }) => {
      const raw = frames[frame * manifest.bytes_per_frame + bands.offset + band]!;
      const step = stepOf(raw * bands.scale + bands.bias);
      return [...colours.slice(step * 3, step * 3 + 3)];
    });
    expect(seen).toEqual(wanted);
    // Not all the same, or nothing would be said.
    expect(new Set(wanted.map(String)).size).toBeGreaterThan(20);
  });
}

test("the facts of the track are those of its analysis", async ({ page, request }) => {
  await open(page);
  const { summary } = await ask(request, `/v1/analyses/${demo.analysis.id}`);
  const facts = page.locator(".facts");
  await expect(facts).toContainText(`${summary.tempo_bpm.toFixed(1)} BPM`);
  await expect(facts).toContainText(summary.key.name);
  await expect(facts).toContainText(summary.time_signature);
  await expect(facts).toContainText(`${Math.abs(summary.loudness.integrated_lufs).toFixed(1)} LUFS`);
  await page.locator(".track-head summary").click();
  const link = page.getByRole("link", { name: /JAMS/ });
  const saved = await request.get((await link.getAttribute("href"))!, { headers: bearer });
  expect(saved.ok()).toBe(true);
  await page.keyboard.press("Escape");
  await expect(link).toBeHidden();
});

test("a file that was cut short is said to be", async ({ page, request }) => {
  const [whole, cut] = [readFileSync(AUDIO), test.info().outputPath("cut.wav")];
  writeFileSync(cut, whole.subarray(0, whole.length / 4));
  const short = await analysed(request, "Cut", cut);
  await open(page, short.track.id);
  await expect(page.getByText("The file is cut short.")).toBeVisible();
  await open(page);
  await expect(page.getByText("The file is cut short.")).toHaveCount(0);
});

test("pointing at the lanes reads time, bar, chord and level", async ({ page, request }) => {
  await open(page);
  await press(page, "+", 2);
  const { fromMs, msPerPx } = await spectrum(page).evaluate((canvas: HTMLCanvasElement) => canvas.dataset);
  const events = await ask(request, `/v1/analyses/${demo.analysis.id}/events?type=beat,chord&from_ms=${Math.ceil(Number(fromMs)) + 1000}`);
  const beat = events.items.find((event: any) => event.event_type === "beat" && event.event_data.position === 2);
  const chord = (await ask(request, `/v1/analyses/${demo.analysis.id}/events?type=chord`)).items.find((event: any) => event.time_ms <= beat.time_ms && beat.time_ms < event.time_ms + event.duration_ms);
  const x = Math.ceil((beat.time_ms - Number(fromMs)) / Number(msPerPx)) + 1;
  await spectrum(page).hover({ position: { x, y: 200 } });
  await expect(readout(page)).toContainText(`bar ${beat.event_data.bar}.2`);
  await expect(readout(page)).toContainText(chord.event_data.name);
  await expect(readout(page)).toContainText(/Hz (−?[\d.]+ dB|silent)/);
});

test("keys, wheel and drags change what is seen", async ({ page }) => {
  await open(page);
  const whole = await seenMs(page);
  await press(page, "+", 3);
  expect(await seenMs(page)).toBeCloseTo(whole * 0.6 ** 3, -3);
  await press(page, "0");
  await expect.poll(() => seenMs(page)).toBe(whole);

  const box = (await spectrum(page).boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 50);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -520);
  await page.keyboard.up("Control");
  await expect.poll(() => seenMs(page)).toBeLessThan(whole * 0.3);

  // What is selected is what is seen then, with a little room.
  await press(page, "0");
  await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await expect(page.locator(".selected")).toBeVisible();
  await press(page, "z");
  await expect.poll(() => seenMs(page)).toBeLessThan(whole * 0.29);
  expect(await seenMs(page)).toBeGreaterThan(whole * 0.25);
  await press(page, "Escape");
  await expect(page.locator(".selected")).toBeHidden();

  const from = await visiblePart(page).getAttribute("aria-valuenow");
  await page.keyboard.press("PageDown");
  await expect.poll(async () => Number(await visiblePart(page).getAttribute("aria-valuenow"))).toBeGreaterThan(Number(from));
});

test("the overview moves and resizes the visible part, by pointer and by keys", async ({ page }) => {
  await open(page);
  const whole = await seenMs(page);
  await page.getByRole("slider", { name: "End of the visible part" }).focus();
  for (let time = 0; time < 5; time += 1) await page.keyboard.press("ArrowLeft");
  const less = await seenMs(page);
  expect(less).toBeLessThan(whole * 0.7);
  await visiblePart(page).focus();
  await page.keyboard.press("End");
  expect(Number(await visiblePart(page).getAttribute("aria-valuenow"))).toBeCloseTo(whole - less, -3);
  expect(await seenMs(page)).toBeCloseTo(less, -3);

  const overview = (await page.locator(".overview").boundingBox())!;
  await page.mouse.click(overview.x + 40, overview.y + 30);
  await expect(visiblePart(page)).toHaveAttribute("aria-valuenow", "0");
  const handle = (await page.getByRole("slider", { name: "End of the visible part" }).boundingBox())!;
  await page.mouse.move(handle.x + 10, handle.y + 20);
  await page.mouse.down();
  await page.mouse.move(handle.x - 200, handle.y + 20, { steps: 4 });
  await page.mouse.up();
  expect(await seenMs(page)).toBeLessThan(less);
});

test("the view goes along with playback until it is moved away", async ({ page }) => {
  await open(page);
  await press(page, "+", 9);
  const from = async (): Promise<number> => Number(await visiblePart(page).getAttribute("aria-valuenow"));
  const follow = page.getByRole("button", { name: "Follow", exact: true });
  await page.getByRole("button", { name: "Play", exact: true }).click();
  await expect.poll(from).toBeGreaterThan(0);
  await expect(follow).toHaveAttribute("aria-pressed", "true");
  await visiblePart(page).press("End");
  await expect(follow).toHaveAttribute("aria-pressed", "false");
  await follow.click();
  await expect.poll(from).toBeLessThan(30_000);
  await page.getByRole("button", { name: "Pause", exact: true }).click();
});

test("two fingers zoom, one moves", async ({ page, browserName }) => {
  test.skip(browserName !== "chromium", "touches are made by way of its own protocol");
  await open(page);
  const whole = await seenMs(page);
  const box = (await spectrum(page).boundingBox())!;
  const session = await page.context().newCDPSession(page);
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", ...xs: number[]) =>
    session.send("Input.dispatchTouchEvent", { type, touchPoints: xs.map((x, id) => ({ x: box.x + x, y: box.y + 60, id })) });
  await touch("touchStart", 500, 600);
  for (const by of [20, 60, 100, 150]) await touch("touchMove", 500 - by, 600 + by);
  await touch("touchEnd");
  await expect.poll(() => seenMs(page)).toBeLessThan(whole * 0.3);
  const from = Number(await visiblePart(page).getAttribute("aria-valuenow"));
  await touch("touchStart", 600);
  for (const x of [560, 500, 400]) await touch("touchMove", x);
  await touch("touchEnd");
  await expect.poll(async () => Number(await visiblePart(page).getAttribute("aria-valuenow"))).toBeGreaterThan(from);
});

test("lanes are shown and hidden, and stay so", async ({ page }) => {
  await open(page);
  await expect(page.getByRole("img", { name: /^Chords/ })).toBeVisible();
  await page.getByText("Lanes", { exact: true }).click();
  await page.getByRole("checkbox", { name: /Chords/ }).uncheck();
  await page.getByRole("checkbox", { name: /Chroma/ }).check();
  await page.reload();
  await expect(page.getByRole("img", { name: /^Chroma/ })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Chords/ })).toHaveCount(0);
});

test("a running analysis is drawn as far as it is, and in the end nothing is drawn twice", async ({ page, request }) => {
  const { id } = demo.analysis;
  const analysis = await ask(request, `/v1/analyses/${id}`);
  const manifest = await ask(request, `/v1/analyses/${id}/manifest`);
  const halfMs = 20_480;
  const running = { ...analysis, status: "running", summary: null, completed_at: null, progress: { done_ms: halfMs, total_ms: manifest.duration_ms, fraction: 0.5, remaining_ms: 9_000 } };
  const levels = manifest.levels.map(({ chunks: _, ...level }: any) => ({ ...level, frame_count: Math.floor(halfMs / level.hop_ms) }));
  const mocked = new RegExp(`/v1/(tracks/${demo.track.id}/analyses|analyses/${id}/(progress|manifest|frames))`);
  await page.route(mocked, async (route) => {
    const url = new URL(route.request().url());
    if (url.pathname.endsWith("/progress")) return route.fulfill({ contentType: "text/event-stream", body: `retry: 300\nevent: progress\nid: ${Date.now()}\ndata: ${JSON.stringify(running)}\n\n` });
    if (url.pathname.endsWith("/manifest")) return route.fulfill({ headers: { "arsis-complete": "false" }, json: { ...manifest, complete: false, attempt: "first", available_ms: halfMs, levels } });
    if (url.pathname.endsWith("/analyses")) return route.fulfill({ json: { items: [running] } });
    url.searchParams.set("to_ms", String(Math.min(Number(url.searchParams.get("to_ms")), halfMs)));
    return route.continue({ url: url.href });
  });
  await signIn(page, `/tracks/${demo.track.id}`);
  await expect(page.getByText("Being analysed.")).toBeVisible();
  const overview = page.locator(".overview canvas");
  await expect(overview).toHaveAttribute("data-drawn", /^0\.4[78]/);
  await drawn(page);
  await expect(page.getByRole("img", { name: /^Beats/ })).toHaveCount(0);

  const after: string[] = [];
  page.on("request", (one) => one.url().includes("/chunks/") && after.push(new URL(one.url()).pathname + new URL(one.url()).search));
  await page.unroute(mocked);
  await expect(overview).toHaveAttribute("data-drawn", "1");
  await expect(page.getByRole("img", { name: /^Beats/ })).toBeVisible();
  await expect(page.getByText("Being analysed.")).toHaveCount(0);
  // The first two chunks of the finest level, 10.24 s each, were drawn: they are not fetched.
  expect(after.filter((one) => /chunks\/[01]\?level=0/.test(one))).toEqual([]);
  expect(after.filter((one) => one.includes("level=0")).length).toBe(3);
});

test("what fails is said, and tried again", async ({ page, request }) => {
  // A refusal, not a lost connection: that one is tried again without being asked.
  await page.route("**/chunks/**", (route) => route.fulfill({ status: 500 }));
  await signIn(page, `/tracks/${demo.track.id}`);
  const failure = page.getByRole("alert").filter({ hasText: "The picture is not all there" });
  await expect(failure).toBeVisible({ timeout: 30_000 });
  await page.unroute("**/chunks/**");
  await failure.getByRole("button", { name: "Try again" }).click();
  await drawn(page);
  await expect(failure).toHaveCount(0);

  // It is FLAC as far as its first bytes go.
  const file = { name: "broken.flac", mimeType: "audio/flac", buffer: Buffer.concat([Buffer.from("fLaC"), Buffer.alloc(4000, 7)]) };
  const broken = (await (await request.post("/v1/tracks", { headers: bearer, multipart: { name: "Broken", file } })).json()) as Uploaded;
  await signIn(page, `/tracks/${broken.track.id}`);
  const failed = page.getByRole("alert").filter({ hasText: "The analysis failed." });
  await expect(failed).toBeVisible({ timeout: 60_000 });
  const retried = page.waitForRequest((one) => one.url().endsWith("/retry"));
  await failed.getByRole("button", { name: "Try again" }).click();
  await retried;
  await expect(failed).toBeVisible();
  await accessible(page);

  await signIn(page, "/tracks/00000000-0000-4000-8000-000000000000");
  await expect(page.getByRole("alert")).toContainText("It was deleted, or is not yours.");
  await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
  await expect(page.locator(".notice")).toHaveCount(0);
});

for (const [width, theme] of [[1440, "light"], [1440, "dark"], [390, "light"], [390, "dark"]] as const) {
  test(`the pictures are accessible and fit, ${width} px wide and ${theme}`, async ({ page }) => {
    await page.setViewportSize({ width, height: 844 });
    await page.emulateMedia({ colorScheme: theme });
    await open(page);
    await page.getByText("Lanes", { exact: true }).click();
    await expect(page.getByRole("checkbox", { name: /Sections/ })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    await accessible(page);
  });
}

async function accessible(page: Page): Promise<void> {
  await settled(page);
  const found = await new AxeBuilder({ page }).include(".track-head").include(".analysis-state").include(".overview").include(".timeline-part").analyze();
  expect(found.violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
}
