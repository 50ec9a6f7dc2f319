/** Bundles parts of the pages for Node, so that they can be measured and compared without a browser: `npm run client`. */
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
      input: {
        client: join(import.meta.dirname, "src/lib/wire/index.ts"),
        webaddress: join(import.meta.dirname, "src/lib/webaddress.ts"),
      },
      output: { entryFileNames: "[name].mjs" },
    },
  },
});
