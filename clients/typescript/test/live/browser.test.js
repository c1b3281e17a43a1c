// In Chromium, from a page of another origin: tests/clients starts the server, which allows the page's origin, and gives
// this process the socket that the page is served from as its standard input.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const { ARSIS_URL, ARSIS_TOKEN, ARSIS_AUDIO, ARSIS_CHROMIUM, ARSIS_PAGE } = process.env;
const root = fileURLToPath(new URL("../..", import.meta.url));
let files, browser, page;

before(async () => {
  files = createServer(async (request, response) => {
    const path = new URL(request.url, ARSIS_PAGE).pathname;
    const [type, body] = path === "/" ? ["text/html", "<!doctype html><title>Test</title>"] : ["text/javascript", await readFile(root + path).catch(() => "")];
    response.writeHead(body.length ? 200 : 404, { "content-type": type }).end(body);
  });
  files.listen({ fd: 0 });
  browser = await chromium.launch({ executablePath: ARSIS_CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  page = await browser.newPage();
  await page.goto(ARSIS_PAGE);
});
after(async () => {
  await browser?.close();
  files.closeAllConnections();
  files.close();
});

const given = async () => ({ baseUrl: ARSIS_URL, token: ARSIS_TOKEN, audio: (await readFile(ARSIS_AUDIO)).toString("base64") });

test("a page of another origin uploads, follows and reads", { timeout: 120_000 }, async () => {
  const seen = await page.evaluate(async ({ baseUrl, token, audio }) => {
    const { ArsisClient } = await import("/dist/index.js");
    const { sameFrames } = await import("/test/live/same-frames.js");
    const client = new ArsisClient({ baseUrl, token });
    const file = new File([Uint8Array.from(atob(audio), (char) => char.charCodeAt(0))], "song.wav");
    const told = [];
    const { track, analysis } = await client.upload(file, { onProgress: (...far) => told.push(far) });
    const states = [];
    for await (const state of client.follow(analysis.id)) states.push(state.status);
    const results = await client.results(analysis.id);
    await sameFrames(client, results);
    const missing = await client.track(analysis.id).catch((error) => ({ slug: error.slug, requestId: error.requestId }));
    await client.deleteTrack(track.id);
    const [sent, total] = told.at(-1);
    return { name: track.name, states, version: results.version, missing, whole: sent === total && total > file.size };
  }, await given());
  assert.equal(seen.name, "song");
  assert.equal(seen.states.at(-1), "completed");
  assert.equal(seen.missing.slug, "not-found");
  assert.equal(seen.whole, true);
  // Headers that another origin sees only where the server says so.
  assert.match(seen.version, /^\d+$/);
  assert.ok(seen.missing.requestId);
});

test("an upload can be stopped", { timeout: 60_000 }, async () => {
  const said = await page.evaluate(async ({ baseUrl, token, audio }) => {
    const { ArsisClient } = await import("/dist/index.js");
    const stop = new AbortController();
    const file = new File([Uint8Array.from(atob(audio), (char) => char.charCodeAt(0))], "song.wav");
    const options = { signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) };
    return new ArsisClient({ baseUrl, token }).upload(file, options).then(() => "went through", (error) => error.message);
  }, await given());
  assert.equal(said, "enough");
});

test("the reference page makes itself out of the description, under its own policy", { timeout: 60_000 }, async () => {
  const reference = await browser.newPage();
  const errors = [];
  reference.on("pageerror", (error) => errors.push(error.message));
  reference.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await reference.goto(`${ARSIS_URL}/docs?token=${ARSIS_TOKEN}`);
  await reference.locator("#listTracks summary", { hasText: "Try it" }).click();
  await reference.locator("#listTracks button.send").click();
  await reference.locator("#listTracks pre", { hasText: "200 OK" }).waitFor();
  assert.equal(reference.url(), `${ARSIS_URL}/docs`, "the token leaves the address");
  await reference.fill("#search", "cancel analysis");
  assert.equal(await reference.locator("#cancelAnalysis").isVisible(), true);
  assert.equal(await reference.locator("#listTracks").isVisible(), false);
  assert.deepEqual(errors, []);
});
