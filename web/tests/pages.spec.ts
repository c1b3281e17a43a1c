/** The pages as a whole, as wide as a desk and as narrow as a phone, light and dark: nothing scrolls sideways, nobody else is asked, the browser
 * has nothing to complain of. The pictures that it takes are those of the README, where `ARSIS_SCREENSHOTS` names a folder for them. */

import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { analysed, signIn, TOKEN } from "./support";

const bearer = { authorization: `Bearer ${TOKEN}` };
const REGIONS = [
  ["Intro", 249, 8525, "#5b8def"],
  ["Verse", 8525, 25_076, "#e0a030"],
  ["Chorus", 25_076, 41_627, "#c2577a"],
] as const;

let trackId = "";

test.beforeAll(async ({ request }) => {
  test.setTimeout(180_000);
  trackId = (await analysed(request, "Night train")).track.id;
  for (const [name, start_time_ms, end_time_ms, color] of REGIONS) {
    const made = await request.post(`/v1/tracks/${trackId}/regions`, { headers: bearer, data: { name, start_time_ms, end_time_ms, color } });
    expect(made.status()).toBe(201);
  }
  const note = await request.post(`/v1/tracks/${trackId}/annotations`, { headers: bearer, data: { title: "The bass enters", start_time_ms: 16_800, category: "instrumentation", color: "#1d7a3e" } });
  expect(note.status()).toBe(201);
});

/** Whatever the browser complains of, and whoever else is asked. */
function watch(page: Page): string[] {
  const odd: string[] = [];
  page.on("pageerror", (error) => odd.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") odd.push(`${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    const isOwn = origin === new URL(page.url()).origin || protocol === "blob:" || protocol === "data:";
    if (page.url() !== "about:blank" && !isOwn) odd.push(request.url());
  });
  return odd;
}

for (const [width, height] of [[1440, 900], [390, 844]] as const) {
  for (const scheme of ["light", "dark"] as const) {
    test(`the pages hold together, ${width} px wide and ${scheme}`, async ({ browser }, info) => {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
      const page = await context.newPage();
      const odd = watch(page);
      const keep = async (name: string): Promise<void> => {
        const folder = process.env["ARSIS_SCREENSHOTS"];
        const file = `${name}-${width}-${scheme}.png`;
        await page.screenshot({ path: folder ? `${folder}/${file}` : info.outputPath(file), animations: "disabled" });
        const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        expect(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(seen!);
      };
      await signIn(page);
      await expect(page.locator(`a[href="/tracks/${trackId}"]`).first()).toBeVisible();
      await keep("library");
      await page.goto(`/tracks/${trackId}`);
      await expect(page.locator(".overview canvas")).toHaveAttribute("data-drawn", "1");
      await expect(page.getByText("Chorus").first()).toBeVisible();
      await page.getByRole("button", { name: "Play", exact: true }).click();
      await expect.poll(() => page.evaluate(() => navigator.mediaSession.playbackState)).toBe("playing");
      await page.getByRole("button", { name: "Pause", exact: true }).click();
      await keep("track");
      expect(odd).toEqual([]);
      await context.close();
    });
  }
}
