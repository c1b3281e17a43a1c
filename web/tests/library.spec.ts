import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import type { Locator, Page, Route } from "@playwright/test";
import { readFileSync } from "node:fs";
import { analysed, ask, AUDIO, settled, signIn, TOKEN, upload } from "./support";

const unique = (name: string): string => `${name} ${Math.random().toString(36).slice(2, 8)}`;
const row = (page: Page, name: string): Locator => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const tray = (page: Page): Locator => page.getByRole("region", { name: "Uploads" });
const search = (page: Page): Locator => page.getByRole("searchbox", { name: "Search" });
const problem = (status: number, type: string, title: string, detail?: string) => ({
  status,
  contentType: "application/problem+json",
  json: { type: `https://arsis-audio.github.io/arsis/problems/${type}`, title, status, detail },
});

/** No violation of WCAG 2.2 A and AA, in either theme. */
async function isAccessible(page: Page): Promise<void> {
  for (const theme of ["light", "dark"]) {
    await page.evaluate((name) => (document.documentElement.dataset["theme"] = name), theme);
    await settled(page);
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze();
    expect(violations.map(({ id, nodes }) => `${theme}: ${id}: ${nodes.map((node) => node.html).join(" | ")}`)).toEqual([]);
  }
}

/** Drops files on the page, as a hand does. */
async function drop(page: Page, files: readonly { name: string; text: string }[]): Promise<void> {
  const data = await page.evaluateHandle((list) => {
    const transfer = new DataTransfer();
    for (const { name, text } of list) transfer.items.add(new File([text], name));
    return transfer;
  }, files);
  await page.dispatchEvent("body", "dragenter", { dataTransfer: data });
  const sign = page.getByText("Drop to upload");
  await expect(sign).toBeVisible();
  await page.dispatchEvent("body", "dragleave", { dataTransfer: data });
  await expect(sign).toHaveCount(0);
  // From one element to the next; not every browser tells the one that is left where it goes.
  for (const at of ["body", "h1"]) await page.dispatchEvent(at, "dragenter", { dataTransfer: data });
  await page.dispatchEvent("body", "dragleave", { dataTransfer: data });
  await expect(sign).toBeVisible();
  await page.dispatchEvent("h1", "drop", { dataTransfer: data });
  await expect(sign).toHaveCount(0);
}

/** A track as the server tells of it. */
const track = (number: number, change: object = {}) => ({
  id: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`, name: `Track ${number}`, tags: [], mime_type: "audio/wav", file_size_bytes: 1,
  duration_ms: 60_000, bpm: 120, key_signature: "A minor", status: "ready", created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z", ...change,
});
/** A library of these tracks in place of the person's. */
const library = async (page: Page, items: readonly object[]): Promise<void> => void (await page.route("**/v1/tracks?**", (route) => route.fulfill({ json: { items } })));

test("signs in with a token or a whole link, and says what is wrong with another", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(page).toHaveTitle("Sign in · Arsis");
  await isAccessible(page);
  await page.getByLabel("Token or link").fill("no-such-token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("opens nothing");
  await page.getByLabel("Token or link").fill(`${new URL(page.url()).origin}/?token=${TOKEN}`);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
  await expect(page).toHaveTitle("Library · Arsis");

  await page.getByRole("button", { name: /^Account of/ }).click();
  await expect(page.getByRole("menuitem", { name: "Keyboard shortcuts" })).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(page.getByRole("menuitem", { name: "Sign out" })).toBeFocused();
  await page.getByRole("menuitem", { name: "Where you are signed in" }).click();
  await expect(page.getByRole("dialog", { name: "Where you are signed in" }).getByText("here", { exact: true })).toBeVisible();
  await isAccessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("a file that is chosen is uploaded, analysed, and filled in by itself", async ({ page }) => {
  const name = unique("chosen");
  await signIn(page);
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("u");
  await (await chooser).setFiles({ name: `${name}.wav`, mimeType: "audio/wav", buffer: readFileSync(AUDIO) });
  await expect(tray(page).getByRole("heading", { name: "1 uploaded" })).toBeVisible();
  await expect(row(page, name)).toContainText("Ready", { timeout: 60_000 });
  await expect(row(page, name)).toContainText(/\d+\.\d BPM/);
  await expect(row(page, name)).toContainText("0:42");
  await isAccessible(page);
  await tray(page).getByRole("link", { name: "Open" }).click();
  await expect(page).toHaveURL(/\/tracks\/[0-9a-f-]{36}$/);
  await expect(tray(page)).toHaveCount(0);
});

test("what is dropped is sent, and what is no audio is refused in words", async ({ page }) => {
  await signIn(page);
  await drop(page, [{ name: "notes.txt", text: "these are words and no sound ".repeat(200) }]);
  await expect(tray(page).getByRole("alert")).toContainText("No audio that can be read");
  await expect(tray(page).getByRole("button", { name: "Try again: notes.txt" })).toHaveCount(0);
  await isAccessible(page);
  await tray(page).getByRole("button", { name: "Dismiss notes.txt" }).click();
  await expect(tray(page)).toHaveCount(0);
});

test("a folder is walked through, and what in it is no audio is left out", async ({ page }) => {
  await page.route("**/v1/tracks", (route) => (route.request().method() === "POST" ? route.fulfill({ status: 201, json: { track: track(1), analysis: {} } }) : route.fallback()));
  await signIn(page);
  // A browser gives folders to a real hand alone; this is what it gives.
  await page.evaluate(() => {
    const file = (name: string) => ({ name, isDirectory: false, file: (give: (one: File) => void) => give(new File([name], name)) });
    const folder = (name: string, ...inner: object[]): object => ({
      name, isDirectory: true,
      createReader: () => {
        const rest = [inner, []];
        return { readEntries: (give: (some: object[]) => void) => give(rest.shift()!) };
      },
    });
    const album = folder("album", file("02.flac"), file("cover.jpg"), folder("bonus", file("01.mp3"), file(".hidden.mp3")), folder("empty"));
    const event = new Event("drop", { cancelable: true });
    Object.assign(event, { dataTransfer: { types: ["Files"], items: [{ kind: "file", webkitGetAsEntry: () => album, getAsFile: () => null }] } });
    dispatchEvent(event);
  });
  await expect(tray(page).getByRole("heading", { name: "2 uploaded" })).toBeVisible();
  await expect(tray(page).getByRole("listitem")).toContainText(["02.flac", "01.mp3"]);
  await expect(page.getByText("1 file that is no audio left out.")).toBeVisible();
});

test("two uploads go at a time, can be stopped, and one that broke off makes no second track", async ({ page }) => {
  await signIn(page);
  const open: Route[] = [];
  const keys: string[] = [];
  await page.route("**/v1/tracks", (route) => {
    if (route.request().method() !== "POST") return void route.fallback();
    keys.push(route.request().headers()["idempotency-key"]!);
    return void open.push(route);
  });
  await drop(page, ["a", "b", "c"].map((name) => ({ name: `${name}.wav`, text: name.repeat(5000) })));
  await expect.poll(() => open.length).toBe(2);
  await expect(tray(page).getByRole("heading", { name: "Uploading 1 of 3" })).toBeVisible();
  await expect(tray(page).getByRole("listitem").filter({ hasText: "c.wav" })).toContainText("waits");

  await tray(page).getByRole("button", { name: "Cancel a.wav" }).click();
  await expect.poll(() => open.length).toBe(3);
  await open[1]!.abort("connectionreset");
  await expect(tray(page).getByRole("alert")).toContainText("The connection broke off");
  const leaving = page.waitForEvent("dialog");
  void page.goto("/docs").catch(() => {});
  const warning = await leaving;
  expect(warning.type()).toBe("beforeunload");
  await warning.dismiss();

  await tray(page).getByRole("button", { name: "Try again: b.wav" }).click();
  await expect.poll(() => open.length).toBe(4);
  expect(keys[3]).toBe(keys[1]);
  await open[3]!.fulfill(problem(413, "payload-too-large", "Too large", "At most 1 kB are taken."));
  await expect(tray(page).getByRole("alert")).toContainText("Too large: 5.0 kB. At most 1 kB are taken.");
  await open[2]!.fulfill({ status: 201, json: { track: track(1, { name: "c" }), analysis: {} } });
  await expect(tray(page).getByRole("heading", { name: "1 of 2 not uploaded" })).toBeVisible();
});

test("the list is searched, ordered, walked through and edited by keyboard", async ({ page, request }) => {
  const word = unique("zither").replace(" ", "");
  const made = await analysed(request, `${word} B`);
  await analysed(request, `${word} A`);
  await signIn(page);
  await page.keyboard.press("/");
  await page.keyboard.type(word.toUpperCase());
  const names = page.locator(".tracks .name a");
  await expect(names).toHaveText([`${word} A`, `${word} B`]);
  await page.getByRole("columnheader", { name: "Name" }).getByRole("button").click();
  await page.getByRole("columnheader", { name: "Name" }).getByRole("button").click();
  await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "descending");
  await expect(names).toHaveText([`${word} B`, `${word} A`]);

  await search(page).focus();
  await page.keyboard.press("ArrowDown");
  await expect(names.first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await expect(names.first()).toBeFocused();
  await page.keyboard.press("e");
  const dialog = page.getByRole("dialog", { name: "Edit the track" });
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await isAccessible(page);
  await dialog.getByLabel("Artist").fill("Strings");
  await dialog.getByLabel("Tags").fill(`${word}, quiet, quiet`);
  await page.keyboard.press("Enter");
  await expect(dialog).toHaveCount(0);
  await expect(names.first()).toBeFocused();
  await expect(row(page, `${word} B`)).toContainText("Strings");
  expect((await ask(request, `/v1/tracks/${made.track.id}`)).tags).toEqual([word, "quiet"]);

  // Back in the list, it is as it was left.
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(made.track.id));
  await page.goBack();
  await expect(search(page)).toHaveValue(word.toUpperCase());
  await expect(names).toHaveText([`${word} B`, `${word} A`]);

  await page.getByRole("button", { name: `Show tracks with the tag ${word}` }).click();
  await expect(names).toHaveText([`${word} B`]);
  await page.getByRole("radio", { name: "Failed" }).check();
  await expect(page.getByRole("heading", { name: /No track/ })).toBeVisible();
  await page.getByRole("button", { name: "Show all tracks" }).click();
  await expect(search(page)).toHaveValue("");

  await search(page).fill(word);
  await expect(names).toHaveCount(2);
  await names.first().focus();
  await page.keyboard.press("Delete");
  const question = page.getByRole("dialog", { name: "Delete the track?" });
  await expect(question).toContainText(`${word} B`);
  await isAccessible(page);
  await question.getByRole("button", { name: "Delete" }).click();
  await expect(names).toHaveText([`${word} A`]);
  // Its row is gone: on from the next.
  await expect(names).toBeFocused();
});

test("a running analysis says how far it is and is stopped; a failed one says why and is tried again", async ({ page }) => {
  let analysis: object = { id: "a", track_id: track(1).id, status: "running", cancel_requested: false, progress: { fraction: 0.42, remaining_ms: 12_000 } };
  let now: object = track(1, { status: "processing", bpm: null, key_signature: null, duration_ms: null });
  const posted: string[] = [];
  await library(page, [now, track(2)]);
  await page.route("**/v1/tracks/*/analyses?**", (route) => route.fulfill({ json: { items: [analysis] } }));
  await page.route(`**/v1/tracks/${track(1).id}`, (route) => route.fulfill({ json: now }));
  await page.route("**/v1/analyses/a/*", (route) => {
    posted.push(new URL(route.request().url()).pathname);
    analysis = { ...analysis, status: route.request().url().endsWith("retry") ? "pending" : "running", cancel_requested: !route.request().url().endsWith("retry") };
    return route.fulfill({ status: 202, json: analysis });
  });
  await signIn(page);
  const first = row(page, "Track 1");
  await expect(first).toContainText("42 %, 12 s left");
  await expect(first.getByRole("progressbar")).toHaveJSProperty("value", 0.42);
  await isAccessible(page);
  await first.getByRole("button", { name: "Stop the analysis of Track 1" }).click();
  await expect(first).toContainText("Stopping…");

  now = track(1, { status: "error", error_message: "The file ends too early." });
  analysis = { ...analysis, status: "error" };
  await expect(first).toContainText("The file ends too early.");
  await isAccessible(page);
  await first.getByRole("button", { name: "Try again: Track 1" }).click();
  await expect(first).toContainText("Waiting");
  expect(posted).toEqual(["/v1/analyses/a/cancel", "/v1/analyses/a/retry"]);

  now = track(1, { bpm: 97.5 });
  analysis = { ...analysis, status: "completed" };
  await expect(first).toContainText("97.5 BPM");
  await expect(page.getByText("Track 1 is analysed")).toBeAttached();
});

test("thousands of tracks are read as they are scrolled to, and only those in sight are drawn", async ({ page }) => {
  await page.route("**/v1/tracks?**", (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
    const items = Array.from({ length: 100 }, (_, index) => track(from + index));
    return route.fulfill({ json: { items, ...(from < 2900 && { next_cursor: String(from + 100) }) } });
  });
  await signIn(page);
  await expect(row(page, "Track 0")).toBeVisible();
  const more = page.getByRole("button", { name: "More tracks" });
  const scroll = (): Promise<void> => page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await expect(async () => {
    await scroll();
    expect(await page.locator(".tracks tbody").count()).toBe(30);
  }).toPass({ intervals: [20] });
  await expect(more).toHaveCount(0);
  await expect(async () => {
    await scroll();
    await expect(row(page, "Track 2999")).toBeInViewport({ timeout: 1_000 });
  }).toPass();
  expect(await page.locator(".tracks [data-track]").count()).toBeLessThan(1_000);
  await page.evaluate(() => scrollTo(0, 0));
  await expect(row(page, "Track 0")).toBeInViewport();
});

test("an empty library says what to do", async ({ page }) => {
  await library(page, []);
  await signIn(page);
  await expect(page.getByRole("heading", { name: "Drop music here" })).toBeVisible();
  await isAccessible(page);
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose files" }).click();
  await chooser;
});

test("offline is said, and over as soon as the server is back", async ({ page, context }) => {
  await signIn(page);
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
  await context.setOffline(true);
  await expect(page.getByText("You are offline.")).toBeVisible();
  await isAccessible(page);
  await context.setOffline(false);
  await expect(page.getByText("You are offline.")).toHaveCount(0);
});

test("a library that cannot be read for want of a connection says so", async ({ page, request, context }) => {
  const { track } = await upload(request, "Left offline");
  await signIn(page, `/tracks/${track.id}`);
  await expect(page.getByRole("heading", { name: "Left offline" })).toBeVisible();
  const broken: string[] = [];
  page.on("pageerror", (error) => broken.push(error.message));
  await context.setOffline(true);
  // Each try fails late, so that there is time to look.
  await page.route("**/v1/tracks?**", (route) => setTimeout(() => void route.abort("internetdisconnected").catch(() => undefined), 5_000));
  await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "Library" }).click();
  await expect(page.getByText("The library comes when the connection does.")).toBeVisible();
  await page.unroute("**/v1/tracks?**");
  await context.setOffline(false);
  await expect(page.getByText("Left offline").first()).toBeVisible();
  expect(broken).toEqual([]);
});

test("a server that is away at the start is asked again", async ({ page }) => {
  await signIn(page);
  await page.route("**/v1/**", (route) => route.abort("connectionrefused"));
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "The server cannot be reached" })).toBeVisible();
  await isAccessible(page);
  // Just after it has looked by itself: the next time is seconds away, and it is the button that finds the server.
  await page.waitForEvent("requestfailed", (one) => one.url().endsWith("/v1/me"));
  await page.unroute("**/v1/**");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
});

test("a session that ends in the middle is taken up where it was", async ({ page, context, request }) => {
  const name = unique("kept");
  // Analysed, so that nothing is asked for before the person does something.
  await analysed(request, name);
  await signIn(page);
  await search(page).fill(name);
  await expect(page.locator(".tracks .name a")).toHaveText([name]);
  await context.clearCookies();
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
  await page.getByRole("menuitem", { name: "Edit…" }).click();
  await page.getByLabel("Album").fill("Begun before");
  await page.getByRole("button", { name: "Save" }).click();
  const again = page.getByRole("dialog", { name: "Sign in" });
  await expect(again.getByRole("alert")).toContainText("Your session is over");
  await isAccessible(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await expect(again).toBeVisible();
  await again.getByLabel("Token or link").fill(TOKEN);
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(again).toHaveCount(0);
  await expect(page.getByLabel("Album")).toHaveValue("Begun before");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(row(page, name)).toContainText("Begun before");
  await expect(search(page)).toHaveValue(name);
});

test("an account without approval, an unknown page and a page that breaks are said to be so", async ({ page }) => {
  await signIn(page);
  await page.goto("/tracks/nowhere");
  await expect(page.getByRole("heading", { name: "There is no page here" })).toBeVisible();
  await isAccessible(page);
  await library(page, [track(1, { tags: null })]);
  await page.getByRole("link", { name: "To the library" }).click();
  await expect(page.getByRole("heading", { name: "This page has stopped" })).toBeVisible();
  await isAccessible(page);
  await page.unroute("**/v1/tracks?**");
  await page.getByRole("button", { name: "Load the page again" }).click();
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();

  await page.route("**/v1/me", (route) => route.fulfill(problem(403, "account-not-approved", "The account is not approved")));
  await page.reload();
  await expect(page.getByRole("heading", { name: "Your account is not approved" })).toBeVisible();
  await isAccessible(page);
  await page.unroute("**/v1/me");
  await page.getByRole("button", { name: "Look again" }).click();
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
});

test("the help lists what keys do, and the theme is kept", async ({ page }) => {
  await signIn(page);
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await expect(help.getByText("Next track")).toBeVisible();
  await expect(help.getByText("Light or dark colours")).toBeVisible();
  await isAccessible(page);
  await page.keyboard.press("Escape");
  await expect(help).toHaveCount(0);
  await page.getByRole("button", { name: "Dark colours" }).click();
  await page.reload();
  await expect(page.getByRole("heading", { name: "Library" })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.dataset["theme"])).toBe("dark");
  await page.keyboard.press("t");
  await expect(page.getByRole("button", { name: "Dark colours" })).toBeVisible();
});

test("on a phone the list is cards, nothing is cut off, and focus goes to where a link leads", async ({ page, request }) => {
  const name = unique("a rather long name of a track that goes on over the width of a phone");
  const made = await analysed(request, name);
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page);
  await expect(row(page, name)).toContainText("A minor");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await isAccessible(page);
  await page.getByLabel("Order").selectOption("Name, Z to A");
  await expect(page).toHaveURL(/sort=name&order=desc/);
  await search(page).fill(name);
  await expect(page.locator(".tracks .name a")).toHaveText([name]);
  await row(page, name).getByRole("link", { name, exact: true }).click();
  await expect(page).toHaveURL(new RegExp(made.track.id));
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
});
