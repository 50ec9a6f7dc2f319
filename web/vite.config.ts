/** Builds every page of this folder into the Python package: one .html file is one page. */
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const here = import.meta.dirname;
const outDir = resolve(here, "../appliance/static");
const pdfjs = resolve(here, "node_modules/pdfjs-dist");
const pdfjsVersion: string = JSON.parse(readFileSync(join(pdfjs, "package.json"), "utf8")).version;
// Everything under /assets is cached for ever, so the version is part of the address.
const pdfjsBase = `assets/pdfjs/${pdfjsVersion}/`;

/** pdf.js loads its worker, character maps, fonts and decoders by address while it runs. */
function copyPdfjs(): Plugin {
  return {
    name: "copy-pdfjs",
    apply: "build",
    writeBundle({ dir }) {
      const target = join(dir ?? outDir, pdfjsBase);
      cpSync(join(pdfjs, "legacy/build/pdf.worker.min.mjs"), join(target, "pdf.worker.min.mjs"));
      for (const folder of ["cmaps", "standard_fonts", "wasm", "iccs"]) {
        cpSync(join(pdfjs, folder), join(target, folder), { recursive: true });
      }
    },
  };
}

const pages = readdirSync(here).filter((name) => name.endsWith(".html"));

export default defineConfig({
  root: here,
  base: "/",
  plugins: [copyPdfjs()],
  define: { __PDFJS_BASE__: JSON.stringify(`/${pdfjsBase}`) },
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
