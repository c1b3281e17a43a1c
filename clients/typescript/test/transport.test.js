import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { ApiError, ArsisClient, ChunkCache, NotReadyError } from "../dist/index.js";

let server, url, answer;
const seen = [];

before(async () => {
  server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(pieces).toString() });
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => server.closeAllConnections() ?? server.close());

/** Answers of a script, one for each request; the last stays. */
const script = (...steps) => {
  seen.length = 0;
  answer = (request, response) => (steps.length > 1 ? steps.shift() : steps[0])(request, response);
};
const problem = (status, slug, headers = {}) => (_, response) => {
  response.writeHead(status, { "content-type": "application/problem+json", "x-request-id": "r-1", ...headers });
  response.end(JSON.stringify({ type: `https://arsis-audio.github.io/arsis/problems/${slug}`, title: "T", status, detail: "d", errors: [{ pointer: "#/name", detail: "x" }] }));
};
const json = (body, status = 200) => (_, response) => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
};
const cut = (request) => request.socket.destroy();
const client = (options = {}) => new ArsisClient({ baseUrl: `${url}/`, token: "t0", ...options });

test("a problem is an error that says everything", async () => {
  script(problem(422, "validation-failed"));
  const error = await client().track("x").catch((error) => error);
  assert.ok(error instanceof ApiError);
  const { status, slug, requestId, detail, errors, message } = error;
  assert.deepEqual({ status, slug, requestId, detail, message }, { status: 422, slug: "validation-failed", requestId: "r-1", detail: "d", message: "T: d" });
  assert.deepEqual(errors, [{ pointer: "#/name", detail: "x" }]);
  assert.equal(seen.length, 1, "and asking again would not help");
});

test("an answer of a proxy is an error, too", async () => {
  script((_, response) => response.writeHead(404, { "content-type": "text/html" }).end("<h1>no</h1>"));
  const error = await client().track("x").catch((error) => error);
  assert.deepEqual([error.status, error.type, error.slug], [404, "about:blank", ""]);
});

test("what passes is tried again, a POST under the same key", async () => {
  script(cut, problem(503, "unavailable", { "retry-after": "0" }), problem(409, "idempotency-key-in-use"), json({ id: "a" }, 202));
  assert.deepEqual(await client().analyze("t", {}), { id: "a" });
  assert.equal(seen.length, 4);
  const keys = new Set(seen.map((request) => request.headers["idempotency-key"]));
  assert.match([...keys].join(), /^[0-9a-f]{32}$/);
  assert.deepEqual(seen.map((request) => request.headers.authorization), Array(4).fill("Bearer t0"));
});

test("a key of one's own is sent as it is, however the header is spelt", async () => {
  script(json({ id: "a" }, 202));
  for (const name of ["Idempotency-Key", "idempotency-key"]) {
    await client().call("post", "/v1/analyses/{analysis_id}/cancel", { path: { analysis_id: "a" }, headers: { [name]: "mine" } });
  }
  await client().send("/v1/x", { method: "post", json: {}, headers: { "IDEMPOTENCY-KEY": "mine", "Content-Type": "text/x", Accept: "text/y" } });
  await client().analyze("t", {}, { idempotencyKey: "mine" });
  assert.deepEqual(seen.map((request) => request.headers["idempotency-key"]), Array(4).fill("mine"));
  assert.deepEqual([seen[2].headers["content-type"], seen[2].headers.accept], ["text/x", "text/y"]);
});

test("what is still being computed is an error that says how far it is", async () => {
  const path = { analysis_id: "a" };
  const asked = {
    results: () => client().results("a"),
    events: () => client().events("a").next(),
    export: () => client().call("get", "/v1/analyses/{analysis_id}/export/{format}", { path: { ...path, format: "json" } }),
    regrid: () => client().call("post", "/v1/analyses/{analysis_id}/regrid", { path, json: {} }),
  };
  for (const [what, ask] of Object.entries(asked)) {
    script((_, response) => {
      response.writeHead(202, { "content-type": "application/json", "retry-after": "2" });
      response.end(JSON.stringify({ id: "a", status: "running" }));
    });
    const error = await ask().catch((error) => error);
    assert.ok(error instanceof NotReadyError, `${what}: ${error}`);
    assert.deepEqual([error.analysis.status, error.retryAfterMs], ["running", 2000], what);
  }
  script(json({ id: "a", status: "pending" }, 202));
  assert.equal((await client().cancel("a")).status, "pending", "what was taken on is an answer");
});

test("the manifest of a running analysis makes no results", async () => {
  const running = { manifest_version: 1, complete: false, levels: [{ level: 0, hop_ms: 10, frame_count: 5 }] };
  const whole = { manifest_version: 1, levels: [{ level: 0, hop_ms: 10, frame_count: 5, chunks: [] }] };
  script(json(running), json({ id: "a", status: "running" }));
  const error = await client().results("a").catch((error) => error);
  assert.ok(error instanceof NotReadyError, `${error}`);
  assert.deepEqual([error.analysis.status, error.retryAfterMs], ["running", 2000]);
  script(json(running), json({ id: "a", status: "completed" }), json(whole));
  assert.deepEqual((await client().results("a")).manifest, whole, "completed in between");
});

test("call reads JSON and text, and leaves bytes to send", async () => {
  const typed = (type, body) => (_, response) => response.writeHead(200, { "content-type": type }).end(body);
  const get = (format) => client().call("get", "/v1/analyses/{analysis_id}/export/{format}", { path: { analysis_id: "a", format } });
  script(typed("text/csv; charset=utf-8; header=present", "a,b\n"), typed("application/xml", "<a/>"), typed("application/json", '"c"'));
  assert.deepEqual([await get("csv"), await get("rekordbox"), await get("json")], ["a,b\n", "<a/>", "c"]);
  script((_, response) => response.writeHead(204).end());
  assert.equal(await client().call("delete", "/v1/tracks/{track_id}", { path: { track_id: "t" } }), undefined);
  script(typed("audio/flac", "fLaC"));
  const audio = client().call("get", "/v1/tracks/{track_id}/audio", { path: { track_id: "t" } });
  await assert.rejects(audio, { name: "TypeError", message: /audio\/flac.*send/ });
});

test("tries end, and a server that asks for too long a wait is not asked again", async () => {
  script(problem(503, "unavailable"));
  await assert.rejects(client({ maxRetries: 1 }).track("x"), { status: 503 });
  assert.equal(seen.length, 2);
  script(problem(429, "rate-limited", { "retry-after": "3600" }));
  await assert.rejects(client().track("x"), { status: 429, retryAfterMs: 3_600_000 });
  assert.equal(seen.length, 1);
});

test("an abort ends a request, a wait and a walk through pages", async () => {
  script(() => undefined);
  const [first, second] = [new AbortController(), new AbortController()];
  const asked = client().track("x", { signal: first.signal });
  first.abort(new Error("enough"));
  await assert.rejects(asked, /enough/);
  script(problem(503, "unavailable", { "retry-after": "20" }));
  const waits = client().track("x", { signal: second.signal });
  while (seen.length === 0) await new Promise(setImmediate);
  second.abort(new Error("enough"));
  await assert.rejects(waits, /enough/);
});

test("pages are fetched as they are needed", async () => {
  script(json({ items: [{ id: 1 }, { id: 2 }], next_cursor: "c d" }), json({ items: [{ id: 3 }] }));
  const ids = [];
  for await (const track of client().tracks({ limit: 2 })) {
    ids.push(track.id);
    if (ids.length === 2) assert.equal(seen.length, 1);
  }
  assert.deepEqual(ids, [1, 2, 3]);
  assert.deepEqual(seen.map((request) => request.url), ["/v1/tracks?limit=2", "/v1/tracks?limit=2&cursor=c+d"]);
});

test("a part of a path cannot leave its place", async () => {
  script(json({}));
  await client().track("../secret?x#y");
  assert.deepEqual(seen.map((request) => request.url), ["/v1/tracks/..%2Fsecret%3Fx%23y"]);
  for (const nowhere of ["", ".", ".."]) await assert.rejects(async () => client().track(nowhere), TypeError);
});

const events = (text, end = true) => (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(text);
  if (end === true) response.end();
  else if (end === "cut") setImmediate(() => response.destroy());
};

test("a stream that breaks is taken up behind the last event", async () => {
  script(
    events('retry: 1\nid: 1\nevent: progress\ndata: {"status":"running"}\n\nid: 2\nevent: progress\ndata: {"sta', "cut"),
    events(": nothing new\n\n"),
    events('id: 3\nevent: progress\ndata: {"status":"completed"}\n\n', false),
  );
  const states = [];
  for await (const state of client().follow("a")) states.push(state.status);
  assert.deepEqual(states, ["running", "completed"]);
  assert.deepEqual(seen.map((request) => request.headers["last-event-id"]), [undefined, "1", "1"]);
});

/** Lets a mocked clock run until a promise is settled; gives when that is, in ms, and what came of it. */
const awaited = async (timers, promise) => {
  let settled = false;
  const told = promise.catch((error) => error).finally(() => (settled = true));
  for (;;) {
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    if (settled) return { at: Date.now(), told: await told };
    timers.tick(250);
  }
};
const streaming = (text) => new Response(text, { headers: { "content-type": "text/event-stream" } });
const state = (id, status) => `id: ${id}\nevent: progress\ndata: {"status":"${status}"}\n\n`;

test("a server that is away for half a minute is waited for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  for (const chance of [0, 0.999]) {
    t.mock.timers.setTime(0);
    t.mock.method(Math, "random", () => chance);
    const asked = [];
    const fetch = async (_, init) => {
      asked.push(init.headers);
      if (asked.length === 1) return streaming(`retry: 2000\n\n${state(1, "running")}`);
      if (Date.now() < 15_000) throw new TypeError("fetch failed");
      if (Date.now() < 30_000) return new Response("", { status: 502 });
      return streaming(state(2, "completed"));
    };
    const states = client({ fetch }).follow("a");
    assert.equal((await states.next()).value.status, "running");
    const { at, told } = await awaited(t.mock.timers, states.next());
    assert.equal(told.value?.status, "completed", `${told}`);
    assert.ok(at < 45_000, `${at} ms`);
    assert.equal(new Headers(asked.at(-1)).get("last-event-id"), "1");
  }
});

test("a server that stays away is given up, one that refuses at once", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let asked = 0;
  const away = async () => {
    asked += 1;
    throw new TypeError("fetch failed");
  };
  const { told } = await awaited(t.mock.timers, client({ fetch: away }).follow("a", { maxBreaks: 3 }).next());
  assert.deepEqual([told.message, asked], ["fetch failed", 4]);
  const late = async () => new Response("", { status: 503, headers: { "retry-after": "3600" } });
  t.mock.timers.setTime(0);
  const { at, told: refused } = await awaited(t.mock.timers, client({ fetch: late }).follow("a").next());
  assert.deepEqual([refused.status, at], [503, 0], "too long to wait for");
});

test("an abort ends the wait for a server", async () => {
  const stop = new AbortController();
  const fetch = async () => {
    setImmediate(() => stop.abort(new Error("enough")));
    throw new TypeError("fetch failed");
  };
  await assert.rejects(client({ fetch }).follow("a", { signal: stop.signal }).next(), /enough/);
});

test("connections that last are not counted, silent as they may be", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let asked = 0;
  const fetch = async () => {
    asked += 1;
    if (asked === 5) return streaming(state(1, "completed"));
    const silent = (controller) => setTimeout(() => controller.close(), 10_000);
    return streaming(new ReadableStream({ start: silent }));
  };
  const { told } = await awaited(t.mock.timers, client({ fetch }).follow("a", { maxBreaks: 1 }).next());
  assert.equal(told.value?.status, "completed", `${told}`);
});

test("following ends where the server says that it is over, and with a problem", async () => {
  script((_, response) => response.writeHead(204).end());
  for await (const state of client().follow("a", { lastEventId: "9" })) assert.fail(state);
  assert.equal(seen[0].headers["last-event-id"], "9");
  script(problem(404, "not-found"));
  await assert.rejects(client().follow("a").next(), { status: 404 });
});

test("the listener's own errors and its leaving end the stream", async () => {
  script(events('event: progress\ndata: {"status":"running"}\n\n', false));
  await assert.rejects(async () => {
    for await (const _ of client().follow("a")) throw new TypeError("mine");
  }, /mine/);
  for await (const _ of client().follow("a")) break;
  assert.equal(seen.length, 2);
});

test("the cache shares fetches, keeps what is used, and forgets failures", async () => {
  const cache = new ChunkCache(10);
  let fetches = 0;
  const chunk = (bytes) => async () => ({ bytes: new Uint8Array(bytes), fetch: (fetches += 1) });
  const [a, b] = await Promise.all([cache.get("a", chunk(4)), cache.get("a", chunk(4))]);
  assert.equal(a, b);
  await cache.get("b", chunk(4));
  await cache.get("a", chunk(4));
  await cache.get("c", chunk(4));
  assert.equal(fetches, 3);
  await cache.get("a", chunk(4));
  assert.equal(fetches, 3, "a was used after b");
  await cache.get("b", chunk(4));
  assert.equal(fetches, 4, "b was dropped");
  await assert.rejects(cache.get("d", () => Promise.reject(new Error("no"))));
  assert.equal((await cache.get("d", chunk(1))).bytes.length, 1);
});
