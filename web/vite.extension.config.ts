/** Builds the browser extension, unpacked, beside the pages of the appliance, which serves it. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const here = join(import.meta.dirname, "extension");
const outDir = resolve(import.meta.dirname, "../appliance/static/extension");

function json(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The product's version, of which Chrome takes the numbers. */
function version(): string {
  const project = readFileSync(resolve(import.meta.dirname, "../appliance/__init__.py"), "utf8");
  return /^__version__ = "(\d+(?:\.\d+){0,3})/m.exec(project)?.[1] ?? "0";
}

/** The key pins the extension's id, which the appliance lets in; the files beside are taken as they are. */
function manifest(): Plugin {
  return {
    name: "extension-manifest",
    apply: "build",
    writeBundle() {
      const { key } = json(join(here, "key.json"));
      const whole = { ...json(join(here, "manifest.json")), version: version(), key };
      writeFileSync(join(outDir, "manifest.json"), `${JSON.stringify(whole, null, 2)}\n`);
      for (const name of ["managed.json", "icons", "_locales"]) {
        cpSync(join(here, name), join(outDir, name), { recursive: true });
      }
    },
  };
}

const pages = readdirSync(here).filter((name) => name.endsWith(".html"));

export default defineConfig({
  root: here,
  base: "./",
  plugins: [manifest()],
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    target: "chrome120",
    rolldownOptions: {
      input: {
        worker: join(here, "worker/main.ts"),
        content: join(here, "content.ts"),
        ...Object.fromEntries(pages.map((name) => [name.replace(".html", ""), join(here, name)])),
      },
      output: {
        entryFileNames: (chunk) =>
          chunk.name === "worker" || chunk.name === "content" ? "[name].js" : "assets/[name]-[hash].js",
      },
    },
  },
});
