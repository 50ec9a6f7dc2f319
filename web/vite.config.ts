/** Builds every page of this folder into the Python package: one .html file is one page. */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineConfig } from "vite";
import { copyPdfjs, pdfjsDefined } from "./vite.pdfjs.ts";

const here = import.meta.dirname;
const outDir = resolve(here, "../appliance/static");
const pages = readdirSync(here).filter((name) => name.endsWith(".html"));

export default defineConfig({
  root: here,
  base: "/",
  plugins: [copyPdfjs(outDir)],
  define: pdfjsDefined,
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800, // pdf.js
    modulePreload: { polyfill: false },
    target: ["chrome109", "firefox115", "safari16.4"],
    rolldownOptions: { input: pages.map((name) => join(here, name)) },
  },
});
