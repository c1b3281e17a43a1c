import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** Where `npm run dev` finds a running `arsis serve`. */
const server = process.env["ARSIS_SERVER"] ?? "http://127.0.0.1:7070";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: {
    alias: { "@arsis/client": fileURLToPath(new URL("../clients/typescript/src/index.ts", import.meta.url)) },
  },
  build: {
    // The first of each that have popovers, which nothing here does without.
    target: ["chrome114", "firefox125", "safari17"],
    // One script and one style, small enough that cutting them up would cost more requests than it saves bytes.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Names without hashes: what is committed changes in place, and the server answers with ETags.
    rolldownOptions: {
      output: { entryFileNames: "assets/[name].js", chunkFileNames: "assets/[name].js", assetFileNames: "assets/[name][extname]" },
    },
  },
  server: {
    fs: { allow: [".."] },
    proxy: Object.fromEntries(["/v1", "/docs", "/openapi.json", "/queue"].map((path) => [path, { target: server, changeOrigin: false }])),
  },
});
