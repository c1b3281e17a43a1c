// The package as another project has it: what is published and nothing else, by way of its name.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("..", import.meta.url));
let project;

before(() => {
  project = mkdtempSync(join(tmpdir(), "arsis-client-"));
  const installed = join(project, "node_modules/@arsis/client");
  mkdirSync(installed, { recursive: true });
  const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const name of ["package.json", ...files]) cpSync(join(root, name), join(installed, name), { recursive: true });
  writeFileSync(join(project, "package.json"), '{ "type": "module" }');
});
after(() => rmSync(project, { recursive: true }));

/** What the compiler says of a program that imports the package. */
const complaints = (text, options) => {
  const path = join(project, "program.ts");
  writeFileSync(path, text);
  const all = { strict: true, noEmit: true, skipDefaultLibCheck: true, types: [], target: ts.ScriptTarget.ES2022, ...options };
  const program = ts.createProgram([path], all);
  const format = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => project, getNewLine: () => "\n" };
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), format);
};

const { ModuleKind, ModuleResolutionKind } = ts;
const DOM = { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler };
const NODE = {
  module: ModuleKind.NodeNext,
  moduleResolution: ModuleResolutionKind.NodeNext,
  lib: ["lib.es2022.d.ts"],
  types: ["node"],
  typeRoots: [join(root, "node_modules/@types")],
};

test("the README's examples compile, for Node and for browsers", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const examples = Array.from(readme.matchAll(/^```ts\n(.*?)^```/gms), (match) => match[1]);
  assert.ok(examples.length > 1);
  const [first, ...others] = examples;
  // Each of the others goes on from the first.
  const scopes = others.map((example) => `{\n${example}}\n`).join("");
  const text = `declare const file: File, audio: { currentTime: number };\n${first}${scopes}`;
  for (const options of [NODE, DOM]) assert.equal(complaints(text, options), "");
});

test("answers have the types of the description, not any", () => {
  const text = `
    import { ArsisClient } from "@arsis/client";
    import type { Analysis, Answer, components } from "@arsis/client";
    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    const is = <A, B>(_: Same<A, B>) => undefined;
    const arsis = new ArsisClient({ baseUrl: "" });
    const path = { analysis_id: "", track_id: "" };

    const { items } = await arsis.call("get", "/v1/tracks", { query: { limit: 1 } });
    is<typeof items, components["schemas"]["Track"][]>(true);
    // @ts-expect-error: limit is a number
    await arsis.call("get", "/v1/tracks", { query: { limit: "1" } });
    // @ts-expect-error: there is no such route
    await arsis.call("get", "/v1/nothing", {});

    // What is not there yet is an error, and no answer.
    is<Answer<"/v1/analyses/{analysis_id}/events", "get">, components["schemas"]["Page_Event"]>(true);
    is<Answer<"/v1/analyses/{analysis_id}/cancel", "post">, Analysis>(true);
    // Text is a string, nothing is undefined.
    is<Answer<"/metrics", "get">, string>(true);
    is<Answer<"/v1/tracks/{track_id}", "delete">, undefined>(true);
  `;
  assert.equal(complaints(text, NODE), "");
});
