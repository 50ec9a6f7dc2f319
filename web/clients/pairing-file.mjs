// The pairing of a screen in Node, kept in a file that only its owner reads.

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { pairing } from "./pairing.mjs";

export function pairingFile(file) {
  return pairing(JSON.parse(readFileSync(file, "utf8")), (held) => {
    writeFileSync(`${file}.new`, `${JSON.stringify(held)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  });
}
