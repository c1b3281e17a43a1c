/** A track of many hours opens at once: what is fetched is bounded, whatever its length. */

import { expect, test } from "@playwright/test";
import type { Page, Response } from "@playwright/test";
import { drawn, signIn, spectrum } from "./support";

const TRACK = process.env["ARSIS_LONG_TRACK"];

test.skip(!TRACK, "ARSIS_LONG_TRACK names no track of many hours");

interface Fetched {
  readonly path: string;
  readonly level: number | null;
  /** Of the events that were asked for. */
  readonly type: string | null;
  readonly bytes: number;
}

/** Notes what the page asks of the API, and how many bytes came over the wire. */
function listen(page: Page): Fetched[] {
  const fetched: Fetched[] = [];
  page.on("response", async (response: Response) => {
    const url = new URL(response.url());
    if (!url.pathname.startsWith("/v1/") || url.pathname.endsWith("/audio")) return;
    const sizes = await response.request().sizes().catch(() => null);
    const level = url.searchParams.get("level");
    fetched.push({ path: url.pathname, level: level === null ? null : Number(level), type: url.searchParams.get("type"), bytes: sizes?.responseBodySize ?? 0 });
  });
  return fetched;
}

test("the whole of it is drawn from the coarsest frames alone", async ({ page }) => {
  const fetched = listen(page);
  const begun = Date.now();
  await signIn(page, `/tracks/${TRACK}`);
  await drawn(page);
  await expect(page.locator(".overview canvas")).toHaveAttribute("data-drawn", "1");
  console.log(`first full picture after ${Date.now() - begun} ms`);

  const coarsest = Number(await spectrum(page).getAttribute("data-level"));
  const read = () => fetched.filter((one) => one.path.includes("/chunks/"));
  await expect.poll(() => [...new Set(read().map((one) => one.level))]).toEqual([coarsest]);
  const chunks = read();
  expect(chunks.length).toBeLessThanOrEqual(8);
  // No list of tens of thousands of beats, bars or chords: of beats only the stretch at the playhead, whose bar is named.
  const lists = (type: string): number => fetched.filter((one) => one.type === type).length;
  expect(lists("beat")).toBeLessThanOrEqual(1);
  expect([lists("downbeat"), lists("chord")]).toEqual([0, 0]);
  const bytes = fetched.reduce((sum, one) => sum + one.bytes, 0);
  console.log(`${fetched.length} answers, ${bytes} bytes; ${chunks.length} chunks of level ${coarsest}`);
  expect(bytes).toBeLessThan(1_000_000);
});

test("each look closer fetches what is seen, and no more", async ({ page }) => {
  const fetched = listen(page);
  await signIn(page, `/tracks/${TRACK}`);
  await drawn(page);
  for (let step = 0; step < 20; step += 1) await page.keyboard.press("+");
  await expect.poll(async () => Number(await spectrum(page).getAttribute("data-level"))).toBeLessThanOrEqual(1);
  await drawn(page);
  const finest = await spectrum(page).getAttribute("data-level");
  const close = fetched.filter((one) => one.path.includes("/chunks/") && one.level === Number(finest));
  // What is seen meets two chunks or three, with one on either side.
  expect(close.length).toBeLessThanOrEqual(5);
  const events = fetched.filter((one) => one.path.endsWith("/events")).length;
  const bytes = fetched.reduce((sum, one) => sum + one.bytes, 0);
  console.log(`twenty steps closer: ${fetched.length} answers, ${events} of events, ${bytes} bytes`);
  expect(events).toBeLessThan(60);
  expect(bytes).toBeLessThan(6_000_000);
});
