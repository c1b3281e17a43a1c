/** What all tests of the page need: a person who is signed in, and tracks. */

import { readFileSync } from "node:fs";
import { expect } from "@playwright/test";
import type { APIRequestContext, Page } from "@playwright/test";

const given = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};

export const TOKEN = given("ARSIS_TOKEN");
/** A piece of music of some 43 s, in 4/4. */
export const AUDIO = given("ARSIS_AUDIO");
const bearer = { authorization: `Bearer ${TOKEN}` };

/** Opens a page as the person whose token it is. */
export async function signIn(page: Page, path = "/"): Promise<void> {
  await page.goto(`${path}?token=${TOKEN}`);
  // Whoever leaves before is not signed in.
  await expect(page.getByRole("button", { name: /^Account of/ })).toBeVisible();
  await expect(page).not.toHaveURL(/token/);
  // Keys and drops are listened to after the first picture.
  await pictured(page);
}

export interface Uploaded {
  readonly track: { readonly id: string };
  readonly analysis: { readonly id: string };
}

/** A track of one's own. */
export async function upload(request: APIRequestContext, name: string, file = AUDIO): Promise<Uploaded> {
  const multipart = { name, file: { name: "song.wav", mimeType: "audio/wav", buffer: readFileSync(file) } };
  const response = await request.post("/v1/tracks", { headers: bearer, multipart });
  expect(response.status()).toBe(201);
  return (await response.json()) as Uploaded;
}

/** A track whose analysis is completed: the progress stream ends then. */
export async function analysed(request: APIRequestContext, name: string, file = AUDIO): Promise<Uploaded> {
  const made = await upload(request, name, file);
  const told = await request.get(`/v1/analyses/${made.analysis.id}/progress`, { headers: bearer, timeout: 120_000 });
  expect(await told.text()).toContain('"status":"completed"');
  return made;
}

/** What the API answers, as JSON. */
export async function ask(request: APIRequestContext, path: string): Promise<any> {
  const response = await request.get(path, { headers: bearer });
  expect(response.ok(), `${path}: ${response.status()}`).toBe(true);
  return response.json();
}

/** The canvas of the spectrum: it says what it shows. */
export const spectrum = (page: Page) => page.locator("[data-kind=spectrogram] canvas");

/** Waits for a picture and for what the page does after one: canvases then show the view as it is. */
export const pictured = (page: Page): Promise<void> => page.evaluate(() => new Promise<void>((done) => requestAnimationFrame(() => setTimeout(done))));

/** Waits until all that the spectrum shows is of the level that suits the view. */
export async function drawn(page: Page): Promise<void> {
  await pictured(page);
  await expect(spectrum(page)).toHaveAttribute("data-drawn", "true");
}

/** Waits until colours that change have changed, where they can be seen: in what is folded up, time stands still. */
export const settled = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const changes = document.getAnimations().filter((one) => one instanceof CSSTransition && (one.effect as KeyframeEffect).target?.checkVisibility());
    await Promise.all(changes.map((one) => one.finished.catch(() => undefined)));
  });
