/** The tokens as the appliance's own pages keep them: in the storage that all tabs of this browser share. */
import { post } from "./api";
import { Lease } from "./lease";
import { loadPairing, PAIRING_KEY, savePairing } from "./pairing";
import { recall, remember } from "./storage";
import { TokenManager } from "./tokens";
import { uuid } from "./uuid";

const LEASE_KEY = "vooster.renewing";
const TIMEOUT_MS = 8_000;

export function browserTokens(): TokenManager {
  const lease = new Lease({
    store: { get: () => recall(LEASE_KEY), set: (text) => remember(LEASE_KEY, text) },
    owner: uuid(),
  });
  return new TokenManager({
    held: loadPairing(),
    read: loadPairing,
    write: savePairing,
    onWritten: (changed) => {
      addEventListener("storage", (event) => {
        if (event.key === PAIRING_KEY || event.key === null) changed();
      });
    },
    alone: (work) => lease.run(work),
    post: (path, body) => post(path, body, { csrf: false, timeoutMs: TIMEOUT_MS }),
  });
}
