/** Bundles the client for Node, so that it can be measured without a browser: `npm run client`. */
import { join, resolve } from "node:path";
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  build: {
    ssr: true,
    target: "node20",
    outDir: resolve(import.meta.dirname, "../build/web-client"),
    emptyOutDir: true,
    minify: false,
    rolldownOptions: {
      input: { client: join(import.meta.dirname, "src/lib/wire/index.ts") },
      output: { entryFileNames: "[name].mjs" },
    },
  },
});
