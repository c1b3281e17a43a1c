/** How even the pictures come while a track of many hours is looked at. Written down, not asserted: it says as much of the machine. */

import { test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { drawn, signIn } from "./support";

const TRACK = process.env["ARSIS_LONG_TRACK"];

test.skip(!TRACK, "ARSIS_LONG_TRACK names no track of many hours");

// A recording takes a photograph of each picture, which costs more than the picture.
test.use({ trace: "off" });

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
