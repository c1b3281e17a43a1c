// Makes the reference out of the server's own description, and asks nobody else.

/** An element with attributes and children; what is false or null is left out. */
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== false && child != null && child !== ""));
  return node;
};

/** Text whose `code` is marked, a paragraph for each empty line. */
const prose = (text) =>
  (text || "").split(/\n\s*\n/).filter(Boolean).map((part) =>
    make("p", {}, part.split(/(`[^`]+`)/).map((piece) => (/^`.+`$/.test(piece) ? make("code", {}, piece.slice(1, -1)) : piece))));

const api = await (await fetch("openapi.json")).json();
const byId = (id) => document.getElementById(id);

/** What a reference stands for, and the name it goes by. */
const resolve = (thing) => {
  if (!thing?.$ref) return [thing ?? {}, ""];
  const parts = thing.$ref.slice(2).split("/");
  return [parts.reduce((at, part) => at?.[part], api) ?? {}, parts.at(-1)];
};

/** A schema's kind in a few words. */
const kind = (schema) => {
  const [one, name] = resolve(schema);
  if (name) return name.replace(/^Page_(.+)$/, "Page of $1");
  const either = one.oneOf || one.anyOf;
  if (either) return either.map(kind).join(" or ");
  if (one.const !== undefined) return JSON.stringify(one.const);
  const types = [one.type ?? (one.properties ? "object" : "anything")].flat();
  const words = types.map((type) => (type === "array" ? `list of ${kind(one.items)}` : type)).join(" or ");
  return one.format ? `${words} (${one.format})` : words;
};

/** What values may be, beside their kind. */
const bounds = (schema) => {
  const [one] = resolve(schema);
  const said = [];
  if (one.minimum !== undefined || one.maximum !== undefined) said.push(`${one.minimum ?? ""} … ${one.maximum ?? ""}`);
  if (one.minLength !== undefined || one.maxLength !== undefined) said.push(`${one.minLength ?? 0} to ${one.maxLength ?? "any number of"} characters`);
  if (one.minItems !== undefined || one.maxItems !== undefined) said.push(`${one.minItems ?? 0} to ${one.maxItems ?? "any number of"} items`);
  if (one.default !== undefined && typeof one.default !== "object") said.push(`default ${JSON.stringify(one.default)}`);
  if (one.enum && one.enum.length < 20) said.push(one.enum.map((word) => JSON.stringify(word)).join(", "));
  return said.join("; ");
};

/** The schema whose properties there are to show, through lists and alternatives. */
const inner = (schema) => {
  const [one] = resolve(schema);
  if (one.properties || one.allOf) return one;
  if (one.items) return inner(one.items);
  return (one.oneOf || one.anyOf || []).map(inner).find(Boolean);
};

/** The fields of a schema; those of nested ones open on demand, so that a schema may hold itself. */
const fields = (schema) => {
  const found = inner(schema);
  if (!found) return null;
  const parts = [found, ...(found.allOf || []).map((part) => inner(part) ?? {})];
  const required = new Set(parts.flatMap((part) => part.required || []));
  const rows = parts.flatMap((part) => Object.entries(part.properties || {})).map(([name, field]) => {
    const head = [make("code", {}, name), " ", make("span", { class: "type" }, kind(field)), " ", required.has(name) && make("span", { class: "must" }, "always")];
    const [one] = resolve(field);
    const limits = bounds(field);
    const body = [...prose(field.description ?? one.description), limits && make("p", { class: "note" }, limits)];
    return make("div", {}, head, body, inner(field) && unfold(make("span", { class: "note" }, "its fields"), () => fields(field)));
  });
  return make("div", { class: "fields" }, rows);
};

/** Something that is made when it is opened first. */
const unfold = (summary, content) => {
  const box = make("details", { toggle: () => { if (box.open && box.children.length < 2) box.append(...[content()].flat().filter(Boolean)); } }, make("summary", {}, summary));
  return box;
};

const media = (content) =>
  Object.entries(content || {}).map(([type, { schema }]) =>
    make("div", {}, make("code", {}, type), " ", make("span", { class: "type" }, schema ? kind(schema) : ""), schema && fields(schema)));

const parameterTable = (parameters) =>
  make("table", {}, make("tbody", {}, parameters.map((one) =>
    make("tr", {},
      make("td", {}, make("code", {}, one.name), make("div", { class: "note" }, one.in, " ", one.required && make("span", { class: "must" }, "required"))),
      make("td", {}, make("span", { class: "type" }, kind(one.schema)), " ", make("span", { class: "note" }, bounds(one.schema)), prose(one.description))))));

const answers = (responses) =>
  Object.entries(responses).map(([status, given]) => {
    const [answer] = resolve(given);
    const head = [make("span", { class: "status" }, status), answer.description || ""];
    return unfold(make("span", {}, head), () => {
      const headers = Object.entries(answer.headers || {}).map(([name, header]) =>
        make("div", {}, make("code", {}, name), " ", make("span", { class: "note" }, resolve(header)[0].description || "")));
      const problems = Object.entries(answer.content?.["application/problem+json"]?.examples || {}).map(([slug, { summary }]) =>
        make("div", {}, make("code", {}, slug), " ", make("span", { class: "note" }, summary)));
      return [make("div", { class: "fields" }, headers, problems.length ? problems : null), ...media(answer.content)];
    });
  });

/** A value that fits a schema, to begin with. */
const example = (schema, depth = 0) => {
  const [one] = resolve(schema);
  if (one.example !== undefined) return one.example;
  if (one.default !== undefined) return one.default;
  if (one.enum) return one.enum[0];
  if (one.oneOf || one.anyOf) return example((one.oneOf || one.anyOf).find((part) => part.type !== "null"), depth);
  const type = [one.type].flat().find((name) => name !== "null");
  if (type === "object" || one.properties) {
    const must = Object.entries(one.properties || {}).filter(([name]) => (one.required || []).includes(name));
    return depth > 4 ? {} : Object.fromEntries(must.map(([name, field]) => [name, example(field, depth + 1)]));
  }
  return { array: [], integer: one.minimum ?? 0, number: one.minimum ?? 0, boolean: false }[type] ?? "";
};

/** A form that sends the request, and shows what comes back. */
const tryOut = (method, path, operation, parameters) => {
  const inputs = parameters.filter((one) => one.in !== "cookie").map((one) => {
    const words = resolve(one.schema)[0].enum;
    const attributes = { name: one.name, required: one.required, "data-in": one.in };
    const input = words ? make("select", attributes, make("option", {}, ""), words.map((word) => make("option", {}, word))) : make("input", { ...attributes, autocomplete: "off" });
    return [make("label", {}, make("code", {}, one.name)), input];
  });
  const content = operation.requestBody?.content || {};
  const json = content["application/json"] && make("textarea", { class: "wide", spellcheck: "false", "aria-label": "Body" });
  if (json) json.value = JSON.stringify(example(content["application/json"].schema), null, 2);
  const file = content["multipart/form-data"] && make("input", { type: "file", class: "wide" });
  const output = make("pre", { class: "wide", hidden: true });
  const send = async (event) => {
    event.preventDefault();
    output.hidden = false;
    output.textContent = "…";
    output.textContent = await exchange(method, path, form, json, file).catch((error) => String(error));
  };
  const form = make("form", { submit: send }, inputs, json, file, make("button", { class: "send" }, "Send"), make("span", { class: "note" }, byId("token").value ? "" : "with the token above, or the session's cookie"), output);
  return form;
};

const exchange = async (method, path, form, json, file) => {
  const headers = new Headers();
  const query = new URLSearchParams();
  let address = path.slice(1);
  for (const input of form.querySelectorAll("[data-in]")) {
    const [value, where] = [input.value, input.dataset.in];
    if (where === "path") address = address.replace(`{${input.name}}`, encodeURIComponent(value));
    else if (value && where === "query") query.append(input.name, value);
    else if (value && where === "header") headers.set(input.name, value);
  }
  if (byId("token").value) headers.set("Authorization", `Bearer ${byId("token").value}`);
  let body;
  if (json) [body] = [json.value, headers.set("Content-Type", "application/json")];
  if (file) {
    body = new FormData();
    if (file.files[0]) body.append("file", file.files[0]);
  }
  const began = performance.now();
  // What streams without an end is cut off.
  const response = await fetch(address + (query.size ? `?${query}` : ""), { method: method.toUpperCase(), headers, body, signal: AbortSignal.timeout(30_000) });
  const told = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return `${response.status} ${response.statusText} after ${Math.round(performance.now() - began)} ms\n${told}\n\n${await shown(response)}`;
};

const MOST_CHARACTERS = 100_000;

const shown = async (response) => {
  const type = response.headers.get("content-type") || "";
  if (!/json|text|xml/.test(type)) return `${(await response.arrayBuffer()).byteLength} bytes`;
  const text = await response.text();
  const pretty = /json/.test(type) ? JSON.stringify(JSON.parse(text || "null"), null, 2) : text;
  return pretty.length > MOST_CHARACTERS ? `${pretty.slice(0, MOST_CHARACTERS)}\n…` : pretty;
};

const curl = (method, path, operation, parameters) => {
  const open = operation.security?.some((way) => Object.keys(way).length === 0);
  const query = parameters.filter((one) => one.in === "query" && one.required).map((one) => `${one.name}=…`).join("&");
  const content = operation.requestBody?.content || {};
  return [
    `curl${method === "get" ? "" : ` -X ${method.toUpperCase()}`} '${location.origin}${path}${query && `?${query}`}'`,
    !open && "-H \"Authorization: Bearer $TOKEN\"",
    content["application/json"] && `-H 'Content-Type: application/json' -d '${JSON.stringify(example(content["application/json"].schema))}'`,
    content["multipart/form-data"] && "-F file=@song.flac",
  ].filter(Boolean).join(" \\\n  ");
};

const article = ({ method, path, operation, parameters }) => {
  const body = operation.requestBody;
  return make("article", { id: operation.operationId },
    make("h3", {}, make("span", { class: `method ${method}` }, method), make("a", { class: "path", href: `#${operation.operationId}` }, path), make("span", { class: "id" }, operation.operationId)),
    make("p", {}, make("strong", {}, operation.summary || "")),
    prose(operation.description),
    parameters.length > 0 && make("h4", {}, "Parameters"), parameters.length > 0 && parameterTable(parameters),
    body && make("h4", {}, "Body"), body && make("div", {}, media(body.content)),
    make("h4", {}, "Answers"), make("div", {}, answers(operation.responses)),
    make("h4", {}, "Request"), make("pre", {}, curl(method, path, operation, parameters)),
    unfold("Try it", () => tryOut(method, path, operation, parameters)));
};

const METHODS = ["get", "post", "put", "patch", "delete"];
const operations = Object.entries(api.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => {
    const operation = item[method];
    const parameters = (operation.parameters || []).map((one) => resolve(one)[0]);
    const text = [method, path, operation.operationId, operation.summary, operation.description].join(" ").toLowerCase();
    return { method, path, operation, parameters, text, tag: operation.tags?.[0] ?? "other" };
  }));

const tags = [...new Set([...(api.tags || []).map((tag) => tag.name), ...operations.map((one) => one.tag)])];
const said = new Map((api.tags || []).map((tag) => [tag.name, tag.description]));
for (const tag of tags) {
  const group = operations.filter((one) => one.tag === tag);
  if (!group.length) continue;
  const links = group.map((one) => (one.link = make("a", { href: `#${one.operation.operationId}`, title: `${one.method.toUpperCase()} ${one.path}` },
    make("span", { class: `method ${one.method}` }, one.method), make("span", {}, one.operation.operationId))));
  const articles = group.map((one) => (one.article = article(one)));
  const parts = { section: make("section", {}, make("h2", {}, tag), prose(said.get(tag)), articles), links: make("div", {}, make("h2", {}, tag), links) };
  group.forEach((one) => (one.group = parts));
}

const groups = [...new Set(operations.map((one) => one.group))].sort((a, b) => tags.indexOf(a.links.firstChild.textContent) - tags.indexOf(b.links.firstChild.textContent));
byId("contents").replaceChildren(...groups.map((group) => group.links));
byId("reference").replaceChildren(
  make("h1", {}, `${api.info.title} API ${api.info.version}`), ...prose(api.info.description),
  make("p", {}, "For programs: ", make("a", { href: "openapi.json" }, "openapi.json"), ", OpenAPI 3.1."),
  ...groups.map((group) => group.section));

/** Shows what holds every word of the search. */
const search = () => {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const one of operations) {
    const hidden = !words.every((word) => one.text.includes(word));
    one.link.hidden = one.article.hidden = hidden;
  }
  for (const group of groups) group.links.hidden = group.section.hidden = ![...group.links.querySelectorAll("a")].some((link) => !link.hidden);
};
byId("search").addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    byId("search").focus();
  }
});

// The address that `arsis serve` prints brings a token along: it moves into the field, out of the address and its history.
const address = new URL(location.href);
if (address.searchParams.has("token")) {
  byId("token").value = address.searchParams.get("token");
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
