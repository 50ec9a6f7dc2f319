/** pdf.js loads its worker, character maps, fonts and decoders by address while it runs: they are laid beside the pages. */
import { cpSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Plugin } from "vite";

const pdfjs = resolve(import.meta.dirname, "node_modules/pdfjs-dist");
const { version }: { version: string } = JSON.parse(readFileSync(join(pdfjs, "package.json"), "utf8"));
// Everything under /assets is cached for ever, so the version is part of the address.
const folder = `assets/pdfjs/${version}/`;

/** For `define`: where the pages find it. */
export const pdfjsDefined = { __PDFJS_BASE__: JSON.stringify(`/${folder}`) };

/** `outDir`: the root of the built pages. */
export function copyPdfjs(outDir: string): Plugin {
  return {
    name: "copy-pdfjs",
    apply: "build",
    writeBundle({ dir }) {
      const target = join(dir ?? outDir, folder);
      cpSync(join(pdfjs, "legacy/build/pdf.worker.min.mjs"), join(target, "pdf.worker.min.mjs"));
      for (const part of ["cmaps", "standard_fonts", "wasm", "iccs"]) {
        cpSync(join(pdfjs, part), join(target, part), { recursive: true });
      }
    },
  };
}
