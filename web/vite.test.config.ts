/** Bundles the tests, so that they run on any Node that can build the pages: `npm run test`. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vite";

const tests = join(import.meta.dirname, "tests");
const files = readdirSync(tests, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".test.ts"));
const input = Object.fromEntries(
  files.map((name) => [name.replace(/[/\\]/g, "-").replace(/\.ts$/, ""), join(tests, name)]),
);

export default defineConfig({
  root: import.meta.dirname,
  define: { __PDFJS_BASE__: JSON.stringify("/assets/pdfjs/") },
  ssr: { noExternal: true }, // it runs away from node_modules
  build: {
    ssr: true,
    target: "node20",
    outDir: join(import.meta.dirname, "../build/web-tests"),
    emptyOutDir: true,
    minify: false,
    rolldownOptions: { input, output: { entryFileNames: "[name].mjs" } },
  },
});
