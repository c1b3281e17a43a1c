// Against a live server: tests/clients starts it and says where it is.
import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import { test } from "node:test";
import { ApiError, ArsisClient, NotReadyError } from "../../dist/index.js";
import { sameFrames } from "./same-frames.js";

const { ARSIS_URL: baseUrl, ARSIS_TOKEN: token, ARSIS_AUDIO: path } = process.env;
const client = new ArsisClient({ baseUrl, token });
const audio = () => openAsBlob(path, { type: "audio/wav" });

test("a track is uploaded, followed and read, and what is read is what the server says", async () => {
  const told = [];
  const file = await audio();
  const options = { name: "A song", tags: ["a", "b"], parameters: { hop_ms: 20, chunk_frames: 64 }, onProgress: (...far) => told.push(far) };
  const { track, analysis } = await client.upload(file, options);
  assert.deepEqual([track.name, track.tags, track.status, analysis.status], ["A song", ["a", "b"], "processing", "pending"]);
  assert.deepEqual(told.at(-1), [file.size, file.size]);

  const states = [];
  for await (const state of client.follow(analysis.id)) states.push(state.status);
  assert.equal(states.at(-1), "completed", states.join());
  assert.equal((await client.completed(analysis.id)).summary.beat_count > 0, true);

  const results = await client.results(analysis.id);
  assert.equal(results.manifest.hop_ms, 20);
  assert.match(results.version, /^\d+$/);
  await sameFrames(client, results);
  assert.equal((await client.track(track.id)).status, "ready");
});

test("chunks are fetched once", async () => {
  const { analysis } = await client.upload(await audio());
  await client.completed(analysis.id);
  let chunks = 0;
  const counting = (url, init) => ((chunks += /\/chunks\//.test(url) ? 1 : 0), fetch(url, init));
  const results = await new ArsisClient({ baseUrl, token, fetch: counting }).results(analysis.id);
  await Promise.all([results.frames(), results.frames({ toMs: 3000 })]);
  await results.frames({ fromMs: 100, maxFrames: 1_000_000 });
  assert.equal(chunks, results.manifest.total_chunks);
});

test("events come in pages and in order", async () => {
  const { analysis } = await client.upload(await audio());
  await client.completed(analysis.id);
  const times = [];
  for await (const event of client.events(analysis.id, { type: "beat", limit: 5 })) times.push(event.time_ms);
  assert.ok(times.length > 5, `${times}`);
  assert.deepEqual(times, times.toSorted?.((a, b) => a - b) ?? [...times].sort((a, b) => a - b));
  const path = { analysis_id: analysis.id, format: "csv" };
  const table = await client.call("get", "/v1/analyses/{analysis_id}/export/{format}", { path });
  assert.equal(table.match(/,beat,/g).length, times.length);
});

test("what is not there yet says so", async () => {
  const { track } = await client.upload(await audio());
  const later = await client.analyze(track.id, { analysis_type: "tonal", run_at: new Date(Date.now() + 3_600_000).toISOString() });
  const path = { analysis_id: later.id };
  const asked = [
    () => client.results(later.id),
    () => client.events(later.id).next(),
    () => client.call("get", "/v1/analyses/{analysis_id}/export/{format}", { path: { ...path, format: "json" } }),
    () => client.call("post", "/v1/analyses/{analysis_id}/regrid", { path, json: {} }),
  ];
  for (const ask of asked) {
    const error = await ask().catch((error) => error);
    assert.ok(error instanceof NotReadyError, `${error}`);
    assert.deepEqual([error.analysis.status, error.retryAfterMs > 0], ["pending", true]);
  }
  assert.equal((await client.cancel(later.id)).status, "error");
  await assert.rejects(client.completed(later.id), { slug: "analysis-failed" });
  const all = [];
  for await (const analysis of client.analyses(track.id)) all.push(analysis.id);
  assert.equal(all[0], later.id);
});

test("tracks are renamed, heard in part, listed and removed", async () => {
  const { track } = await client.upload(await audio(), { name: "Before", artist: "Somebody" });
  assert.deepEqual(await client.updateTrack(track.id, { name: "After", artist: null }).then(({ name, artist }) => [name, artist]), ["After", null]);
  const part = await client.audio(track.id, { range: "bytes=0-3" });
  assert.deepEqual([part.status, await part.text()], [206, "RIFF"]);
  const before = [];
  for await (const one of client.tracks({ limit: 1 })) before.push(one.id);
  assert.ok(before.includes(track.id));
  await client.deleteTrack(track.id);
  const error = await client.track(track.id).catch((error) => error);
  assert.ok(error instanceof ApiError && error.slug === "not-found" && error.requestId, `${error}`);
});

test("mistakes are told with where they are", async () => {
  const { track } = await client.upload(await audio());
  await assert.rejects(client.updateTrack(track.id, { name: "" }), { status: 422, errors: [{ pointer: "#/name", detail: "must not be empty" }] });
  await assert.rejects(new ArsisClient({ baseUrl, token: "wrong" }).track(track.id), { slug: "unauthorized" });
  await assert.rejects(client.upload(new Blob(["no audio"])), { slug: "unsupported-media-type" });
});
