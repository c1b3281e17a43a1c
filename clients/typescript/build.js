/** Compiles the sources to dist, and puts the types of the description beside them: the compiler takes declarations for its input alone. */
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
execFileSync(process.execPath, [at("node_modules/typescript/bin/tsc"), "-p", at("tsconfig.json")], { stdio: "inherit" });
copyFileSync(at("src/schema.d.ts"), at("dist/schema.d.ts"));
