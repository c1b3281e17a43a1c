"use strict";
const PERIOD_MS = 2000;
const SHOWN_MS = 10 * 60 * 1000;
const FAILURES = 20;
const RUNNING = 100;
const KEY = "arsis.queue.token";
const at = (id) => document.getElementById(id);

// The token: from the address once, then from this tab's own storage. After the # alone, which browsers send to nobody: what
// stands before it is in the logs of proxies.
const takeToken = () => {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname);
  }
};
const token = () => sessionStorage.getItem(KEY);

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const ask = async (method, path, by = token()) => {
  const answer = await fetch(path, { method, cache: "no-store", signal: AbortSignal.timeout(10000), headers: { authorization: "Bearer " + by } });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body.detail || body.title || "the server answered " + answer.status);
  return body;
};

// Words for people.
const say = (text, bad) => {
  at("said").textContent = text;
  at("said").classList.toggle("bad", Boolean(bad));
};
const span = (ms) => {
  if (ms === null || ms === undefined) return "–";
  const s = Math.round(ms / 1000);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min" + (s % 60 ? " " + (s % 60) + " s" : "");
  if (s < 48 * 3600) return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  return Math.floor(s / 86400) + " days";
};
const short = (id) => id.slice(0, 8);
const worker = (name) => (name || "–").replace(/^(.*?-?)([0-9a-f]{8})[0-9a-f]{24}$/, "$1$2");
const clock = (time) => new Date(time).toLocaleString([], { dateStyle: "short", timeStyle: "medium" });
const count = (n) => Number(n).toLocaleString();

const make = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  Object.assign(node, attributes);
  node.append(...children);
  return node;
};
const set = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

// Rows are kept from one look to the next: focus and what is unfolded stay where they are. Their roles are said outright,
// because on a phone they are laid out as cards.
const rows = (body, items, key, labels, build, update) => {
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]));
  items.forEach((item, place) => {
    let row = known.get(key(item));
    known.delete(key(item));
    if (!row) {
      row = document.createElement("tr");
      row.dataset.key = key(item);
      row.setAttribute("role", "row");
      for (const label of labels) {
        const cell = row.insertCell();
        cell.dataset.label = label;
        cell.setAttribute("role", "cell");
      }
      build(row.cells, item);
    }
    if (body.children[place] !== row) body.insertBefore(row, body.children[place] || null);
    update(row.cells, item);
  });
  for (const row of known.values()) row.remove();
  at("no-" + body.id).hidden = items.length > 0;
  body.parentElement.hidden = items.length === 0;
};

const confirmed = (question, answer) => new Promise((resolve) => {
  const dialog = at("ask");
  set(at("question"), question);
  set(at("yes"), answer);
  dialog.returnValue = "no";
  dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  dialog.showModal();
});

const act = async (question, answer, path, done) => {
  if (!(await confirmed(question, answer))) return;
  try {
    await ask("POST", path);
    say(done);
  } catch (error) {
    say("That did not work: " + error.message, true);
  }
  await look();
};
const button = (text, name, action) => {
  const node = make("button", { type: "button", className: "quiet", textContent: text, onclick: action });
  node.setAttribute("aria-label", name);
  return node;
};
const analysis = (cell, item) => {
  const id = make("code", { textContent: short(item.id), title: "analysis " + item.id + "\ntrack " + item.track_id + "\nowner " + item.owner_id });
  cell.append(make("span", {}, id, " " + item.analysis_type));
};

const showRunning = (items) => rows(at("running"), items, (item) => item.id,
  ["Analysis", "Progress", "Left", "Attempt", "Worker", ""],
  (cells, item) => {
    analysis(cells[0], item);
    const bar = make("progress", { max: 1 });
    bar.setAttribute("aria-label", "Progress of " + short(item.id));
    cells[1].append(make("div", { className: "far" }, bar, make("span", { className: "number" })));
    cells[2].className = cells[3].className = "number";
    cells[4].append(make("code", {}));
    cells[5].className = "act";
    cells[5].append(button("Cancel", "Cancel analysis " + short(item.id), () => act(
      "Stop analysis " + item.id + "? What it has done so far is lost.", "Stop it",
      "/v1/analyses/" + item.id + "/cancel", "Asked analysis " + short(item.id) + " to stop.")));
  },
  (cells, item) => {
    const [bar, percent] = cells[1].firstChild.children;
    const part = item.progress.fraction;
    if (part === null) bar.removeAttribute("value");
    else bar.value = part;
    set(percent, part === null ? "" : Math.round(part * 100) + " %");
    set(cells[2], item.cancel_requested ? "stopping" : span(item.progress.remaining_ms));
    set(cells[3], item.attempt + " of " + item.max_attempts);
    set(cells[4].firstChild, worker(item.worker));
    cells[4].firstChild.title = item.worker || "";
    cells[5].firstChild.disabled = item.cancel_requested;
  });

const showWorkers = (items) => rows(at("workers"), items, (item) => item.name, ["Worker", "Runs", "Heard of"],
  (cells, item) => {
    cells[0].append(make("code", { textContent: worker(item.name), title: item.name }));
    cells[1].className = "number";
  },
  (cells, item) => {
    set(cells[1], count(item.running));
    set(cells[2], item.silent_ms === null ? "never: its leases run out" : span(item.silent_ms) + " ago");
  });

const showFailures = (items) => rows(at("failures"), items, (item) => item.id + item.completed_at,
  ["Analysis", "Ended", "Why", "Attempts", ""],
  (cells, item) => {
    analysis(cells[0], item);
    cells[1].className = cells[3].className = "number";
    set(cells[1], item.completed_at ? clock(item.completed_at) : "–");
    cells[2].className = "why";
    const why = make("div", {}, make("strong", { textContent: item.error_kind || "unknown" }), " " + (item.error_message || ""));
    if (item.cause) why.append(make("details", {}, make("summary", { textContent: "Cause" }), make("pre", { textContent: item.cause })));
    cells[2].append(why);
    set(cells[3], item.attempt + " of " + item.max_attempts);
    cells[4].className = "act";
    cells[4].append(button("Retry", "Retry analysis " + short(item.id), () => act(
      "Try analysis " + item.id + " again, with fresh attempts?", "Try again",
      "/v1/analyses/" + item.id + "/retry", "Analysis " + short(item.id) + " is in line again.")));
  },
  () => {});

const showCounts = (queue) => {
  const failed = queue.failures.reduce((sum, one) => sum + one.count, 0);
  const tiles = [
    ["In line", count(queue.depth.in_line)],
    ["Running", count(queue.depth.running)],
    ["Scheduled", count(queue.depth.scheduled)],
    ["Wait for same audio", count(queue.depth.waiting)],
    ["Oldest waits", span(queue.oldest_due_ms), queue.oldest_due_ms > 600000 && "warn"],
    ["Failed in 24 h", count(failed), failed > 0 && "bad"],
  ];
  if (queue.expired > 0) tiles.push(["Silent workers' jobs", count(queue.expired), "warn"]);
  const list = at("counts");
  while (list.children.length > tiles.length) list.lastChild.remove();
  tiles.forEach(([name, value, mood], place) => {
    const tile = list.children[place] || list.appendChild(make("div", {}, make("dt", {}), make("dd", {})));
    set(tile.firstChild, name);
    set(tile.lastChild, value);
    tile.lastChild.className = mood || "";
  });
  const kinds = queue.failures.map((one) => one.kind + " " + count(one.count)).join(" · ");
  set(at("kinds"), kinds && "Within 24 hours: " + kinds);
};

const showState = (paused) => {
  const state = at("state");
  state.hidden = at("switch").hidden = false;
  state.className = paused ? "badge paused" : "badge";
  set(state, paused ? "paused since " + clock(paused.since) + (paused.by ? " by " + paused.by : "") : "runs");
  const other = at("switch");
  set(other, paused ? "Resume" : "Pause");
  other.onclick = () => paused
    ? act("Let workers begin analyses again?", "Resume", "/v1/queue/resume", "The queue runs again.")
    : act("Pause the queue? What runs goes on, and nothing new is begun until it is resumed.", "Pause", "/v1/queue/pause", "The queue is paused.");
};

// What was seen since the page was opened, ten minutes at most.
const seen = [];
const drawn = (name, shape, points) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", shape);
  node.setAttribute("class", name);
  node.setAttribute("points", points);
  return node;
};
const showDepth = (depth) => {
  const now = performance.now();
  seen.push({ at: now, waits: depth.in_line, runs: depth.running });
  while (seen[0].at < now - SHOWN_MS) seen.shift();
  const highest = Math.max(...seen.map((one) => Math.max(one.waits, one.runs)));
  const top = Math.max(4, highest); // of the picture: one job more or less is no cliff
  const width = Math.max(60000, now - seen[0].at);
  const x = (one) => (600 - ((now - one.at) / width) * 600).toFixed(1);
  const y = (value) => (116 - (value / top) * 110).toFixed(1);
  const line = (of) => seen.map((one) => x(one) + "," + y(of(one))).join(" ");
  const chart = at("chart");
  chart.replaceChildren(
    drawn("area", "polygon", x(seen[0]) + ",120 " + line((one) => one.waits) + " 600,120"),
    drawn("waits", "polyline", line((one) => one.waits)),
    drawn("runs", "polyline", line((one) => one.runs)));
  set(at("span"), "over the last " + span(width));
  set(at("top"), "highest " + count(highest));
  chart.setAttribute("aria-label", "In line " + count(depth.in_line) + ", running " + count(depth.running) +
    ", over the last " + span(width) + " at most " + count(highest) + ".");
};

let timer;
let lookedBy = null; // the token of the look under way
const look = async () => {
  clearTimeout(timer);
  const by = token();
  at("leave").hidden = !by;
  if (!by || lookedBy === by) return;
  lookedBy = by;
  try {
    const [queue, running, failed] = await Promise.all([
      ask("GET", "/v1/queue", by),
      ask("GET", "/v1/queue/analyses?status=running&limit=" + RUNNING, by),
      ask("GET", "/v1/queue/analyses?status=error&failures=true&limit=" + FAILURES, by),
    ]);
    if (token() !== by) return; // it was forgotten meanwhile, or is another's now
    at("door").hidden = true;
    at("board").hidden = false;
    if (at("state").classList.contains("lost")) say("");
    showState(queue.paused);
    showCounts(queue);
    showDepth(queue.depth);
    showRunning(running.items);
    showWorkers(queue.workers);
    showFailures(failed.items);
  } catch (error) {
    if (token() !== by) return;
    if (error.status === 401) return leave("This token is not in force. " + error.message + ".");
    if (error.status === 403) return leave("This token is none of an operator. " + error.message + ".");
    const state = at("state");
    state.hidden = false;
    state.className = "badge lost";
    set(state, "no answer");
    const old = at("board").hidden ? "" : " What is shown is old;";
    say("The server does not answer as it should: " + error.message + "." + old + " asking again.", true);
  } finally {
    if (lookedBy === by) lookedBy = null;
  }
  if (!document.hidden) timer = setTimeout(look, PERIOD_MS);
};

const leave = (why) => {
  sessionStorage.removeItem(KEY);
  for (const id of ["board", "state", "switch", "leave"]) at(id).hidden = true;
  seen.length = 0;
  at("door").hidden = false;
  say(why, Boolean(why));
  at("token").focus();
};

at("leave").addEventListener("click", () => leave(""));
at("door").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, at("token").value.trim());
  at("token").value = "";
  say("");
  look();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
takeToken();
if (token()) look(); else leave("");
