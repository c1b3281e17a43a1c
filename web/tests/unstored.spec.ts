/** What was edited while the network, the server or the session was away: told, kept, and stored once it can be. */

import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { axe, block, drag, editOne, lane, made, open, refusal, say, tracks } from "./editing";
import { ask, drawn, signIn, TOKEN } from "./support";

editOne();

test("without a network what was done is kept, told, and stored later; what is refused names its field", async ({ page, request }) => {
  await open(page);
  await page.route("**/regions", (route) => (route.request().method() === "POST" ? route.abort("internetdisconnected") : route.fallback()));
  // It would find out by itself that the server is back, and store without being asked.
  await page.route("**/v1/me", (route) => route.abort("internetdisconnected"));
  await page.keyboard.press("r");
  await page.getByRole("dialog", { name: "New region" }).getByLabel("Name").fill("Kept");
  await page.keyboard.press("Enter");
  await expect(page.getByText("One change is not stored yet")).toBeVisible();
  await expect(block(page, "Kept")).toBeVisible();
  await page.unroute("**/regions");
  await page.locator(".edit-waiting").getByRole("button", { name: "Try now" }).click();
  await expect(page.getByText("One change is not stored yet")).toHaveCount(0);
  await expect.poll(async () => (await ask(request, `${tracks()}/regions`)).items.length).toBe(1);
  await page.unroute("**/v1/me");

  await page.keyboard.press("r");
  const dialog = page.getByRole("dialog", { name: "New region" });
  await dialog.getByLabel("To").fill("9:00:00");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("To")).toBeFocused();
  await expect(dialog.locator("#edit-error-end_time_ms")).toBeVisible();
  await expect(page.locator(".edit-block")).toHaveCount(1);
});

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


async function signInAgain(page: Page): Promise<void> {
  const again = page.getByRole("dialog", { name: "Sign in" });
  await again.getByLabel("Token or link").fill(TOKEN);
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(again).toHaveCount(0);
}

test("a track that is opened as the session ends is all there after signing in again", async ({ page, context, request }) => {
  await say(request, "regions", { name: "Kept", start_time_ms: 2000, end_time_ms: 8000 });
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

test("what waits for its author is not stored by whoever signs in next", async ({ page, context, request }) => {
  await open(page);
  // What is asked for without a session brings the dialog before there is anything to keep.
  await drawn(page);
  await expect(page.locator(".overview canvas")).toHaveAttribute("data-drawn", "1");
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
