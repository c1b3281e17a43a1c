/** What the tests of editing need: a track of their own, cleared after each, and hands. */

import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import type { APIRequestContext, Locator, Page } from "@playwright/test";
import { analysed, ask, settled, signIn, TOKEN } from "./support";
import type { Uploaded } from "./support";

export const bearer = { authorization: `Bearer ${TOKEN}` };
/** The track that is edited, with its analysis. */
export let made: Uploaded;
export const tracks = (): string => `/v1/tracks/${made.track.id}`;

/** To be called by each file of tests, once. */
export function editOne(): void {
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
}

export const say = async (request: APIRequestContext, kind: "regions" | "annotations", data: object): Promise<any> =>
  (await request.post(`${tracks()}/${kind}`, { headers: bearer, data })).json();

export async function open(page: Page): Promise<void> {
  await signIn(page, `/tracks/${made.track.id}`);
  await expect(page.getByRole("heading", { name: "Edit", exact: true })).toBeVisible();
  await page.getByRole("tab", { name: "Beats" }).click();
  await expect(page.getByRole("button", { name: "Tap along" })).toBeEnabled();
  await page.getByRole("tab", { name: "Regions" }).click();
  await expect(page.getByText("One moment…")).toHaveCount(0);
  // The beats are there once what is pointed at has a place among them.
  await page.locator(".beat-lane").hover();
  await expect(page.locator(".lanes-readout")).toContainText(/bar \d/);
}

export const lane = (page: Page, name: string): Locator => page.getByRole("group", { name, exact: true }).locator(".edit-strip");
export const block = (page: Page, name: string): Locator => page.locator(".edit-block").filter({ hasText: name });

/** Drags over a lane between two parts of its width. */
export async function drag(page: Page, at: Locator, from: number, to: number): Promise<void> {
  await at.scrollIntoViewIfNeeded();
  const box = (await at.boundingBox())!;
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + from * box.width, y);
  await page.mouse.down();
  await page.mouse.move(box.x + ((from + to) / 2) * box.width, y, { steps: 4 });
  await page.mouse.move(box.x + to * box.width, y, { steps: 4 });
  await page.mouse.up();
}

export async function axe(page: Page) {
  await settled(page);
  return new AxeBuilder({ page }).include(".edit-panel").include(".edit-lane").include(".beat-layer").withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
}

/** An answer that refuses. */
export const refusal = (status: number, title: string) => ({ status, contentType: "application/problem+json", json: { type: "about:blank", title, status } });
