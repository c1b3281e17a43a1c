/** A track of many hours opens at once: what is fetched is bounded, whatever its length, and pictures come in time. */

import { expect, test } from "@playwright/test";
import type { Page, Response } from "@playwright/test";
import { signIn } from "./support";

const TRACK = process.env["ARSIS_LONG_TRACK"];

test.skip(!TRACK, "ARSIS_LONG_TRACK names no track of many hours");

interface Fetched {
  readonly path: string;
  readonly level: number | null;
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
    fetched.push({ path: url.pathname, level: level === null ? null : Number(level), bytes: sizes?.responseBodySize ?? 0 });
  });
  return fetched;
}

const spectrum = (page: Page) => page.locator("[data-kind=spectrogram] canvas");
const drawn = (page: Page) => expect(spectrum(page)).toHaveAttribute("data-drawn", "true");

test("the whole of it is drawn from the coarsest frames alone", async ({ page }) => {
  const fetched = listen(page);
  const begun = Date.now();
  await signIn(page, `/tracks/${TRACK}`);
  await drawn(page);
  await expect(page.locator(".overview canvas")).toHaveAttribute("data-drawn", "1");
  console.log(`first full picture after ${Date.now() - begun} ms`);

  const chunks = fetched.filter((one) => one.path.includes("/chunks/"));
  const coarsest = Number(await spectrum(page).getAttribute("data-level"));
  expect(new Set(chunks.map((one) => one.level))).toEqual(new Set([coarsest]));
  expect(chunks.length).toBeLessThanOrEqual(8);
  // No list of tens of thousands of beats: keys and sections are short, and no page of beats is asked for.
  expect(fetched.filter((one) => one.path.endsWith("/events")).length).toBeLessThanOrEqual(2);
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

test("pictures per second are written down", async ({ page }) => {
  await signIn(page, `/tracks/${TRACK}`);
  await drawn(page);
  console.log("still:", await frames(page, async () => {}));
  console.log("zooming:", await frames(page, () => wheel(page, { ctrlKey: true }, 60, (i) => (i < 30 ? -40 : 40))));
  for (let step = 0; step < 10; step += 1) await page.keyboard.press("+");
  await drawn(page);
  console.log("panning:", await frames(page, () => wheel(page, { shiftKey: true }, 60, (i) => (i < 40 ? 90 : -90))));
  await page.keyboard.press("0");
  await page.evaluate(() => void (document.querySelector("button[aria-label^=Play], .transport button") as HTMLButtonElement).click());
  console.log("playing, the whole:", await frames(page, async () => {}));
  for (let step = 0; step < 16; step += 1) await page.keyboard.press("+");
  console.log("playing, close:", await frames(page, async () => {}));
});

/** Turns the wheel over the spectrum, a step a picture. */
function wheel(page: Page, keys: { ctrlKey?: boolean; shiftKey?: boolean }, steps: number, by: (step: number) => number): Promise<void> {
  const turns = Array.from({ length: steps }, (_, step) => by(step));
  return page.evaluate(
    async ({ keys, turns }) => {
      const canvas = document.querySelector("[data-kind=spectrogram] canvas")!;
      const { left, top, width } = canvas.getBoundingClientRect();
      for (const deltaY of turns) {
        canvas.dispatchEvent(new WheelEvent("wheel", { deltaY, clientX: left + width / 3, clientY: top + 20, bubbles: true, cancelable: true, ...keys }));
        await new Promise(requestAnimationFrame);
      }
    },
    { keys, turns },
  );
}

/** Times between pictures while something is done, and for two seconds at least: median, 95 in 100, longest; and tasks over 50 ms. */
async function frames(page: Page, what: () => Promise<void>): Promise<string> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async (): Promise<number> => (await session.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration")!.value;
  const before = await busy();
  await page.evaluate(() => {
    const told = ((window as any).told = { last: 0, deltas: [] as number[], tasks: [] as number[], on: true });
    const tick = (now: number): void => {
      if (told.last) told.deltas.push(now - told.last);
      told.last = now;
      if (told.on) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    new PerformanceObserver((list) => told.tasks.push(...list.getEntries().map((one) => Math.round(one.duration)))).observe({ type: "longtask" });
  });
  await what();
  const [count, words] = await page.evaluate(async () => {
    const told = (window as any).told;
    const until = performance.now() + 2_000;
    while (performance.now() < until) await new Promise(requestAnimationFrame);
    told.on = false;
    const sorted = [...told.deltas].sort((a: number, b: number) => a - b);
    const at = (part: number): string => sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)].toFixed(1);
    return [sorted.length as number, `${sorted.length} pictures, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms; tasks over 50 ms: ${told.tasks.length}`] as const;
  });
  // Of the page's own thread: what other programs take of the machine does not count.
  const spent = ((await busy()) - before) * 1000;
  await session.detach();
  return `${words}; ${(spent / count).toFixed(1)} ms of processor a picture`;
}
