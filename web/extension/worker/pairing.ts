/** How this PC becomes a screen: by the code on its monitor, by what a page hands over, by what IT has set. */
import { post } from "../../src/lib/api";
import type { Display } from "../../src/lib/messages";
import type { Pairing } from "../../src/lib/pairing";
import { pause } from "../../src/lib/pause";
import { clientName } from "../../src/station/client";
import { send } from "../../src/station/devicecalls";
import { type Asking, pairDevice } from "../../src/station/deviceflow";
import { epochNow } from "../view";
import type { Keeper, Passing } from "./kept";

const TIMEOUT_MS = 8_000;

export class Pairer {
  asking: Asking | null = null;
  private abort: AbortController | null = null;
  private readonly kept: Keeper<Passing>;
  private readonly changed: () => void;

  constructor(kept: Keeper<Passing>, changed: () => void) {
    this.kept = kept;
    this.changed = changed;
  }

  /** Shows codes until somebody has approved one. Nothing comes of it where another begins meanwhile. */
  async ask(base: string, displays: () => Display[]): Promise<Pairing | null> {
    this.stop();
    const abort = new AbortController();
    this.abort = abort;
    this.say({ kind: "asking" });
    const { signal } = abort;
    try {
      return await pairDevice(
        {
          send: (path, body) => send(base + path, body),
          sleep: pause,
          now: epochNow,
          request: () => ({ client: clientName(), displays: displays() }),
          onState: (state) => {
            if (!signal.aborted) this.say(state);
          },
          keep: (answer) => {
            if (signal.aborted) return;
            this.kept.set("code", answer && { answer, endsAt: Date.now() + answer.expires_in * 1000, base });
          },
          kept: () => {
            const code = this.kept.get("code");
            const left = code?.base === base ? (code.endsAt - Date.now()) / 1000 : 0;
            if (!code || !(left > 0 && left <= code.answer.expires_in)) return null;
            const { whole_seconds = code.answer.expires_in } = code.answer;
            return { ...code.answer, expires_in: left, whole_seconds };
          },
        },
        signal,
      );
    } catch {
      return null; // stopped
    } finally {
      if (this.abort === abort) this.stop();
    }
  }

  stop(): void {
    this.abort?.abort();
    this.abort = null;
    this.asking = null;
    this.kept.set("code", null);
  }

  private say(asking: Asking): void {
    this.asking = asking;
    this.changed();
  }
}

/** A one-time token that a page of the appliance handed over. Rejects with a ProblemError. */
export function claim(base: string, screenId: string, token: string, displays: Display[]): Promise<Pairing> {
  return post(
    `${base}/api/pairing/claim`,
    { screenId, token, client: clientName(), displays },
    { csrf: false, timeoutMs: TIMEOUT_MS },
  );
}

/** The secret that IT has set for this PC. Rejects with a ProblemError. */
export function provisioned(base: string, screenId: string, deviceSecret: string): Promise<Pairing> {
  return post(`${base}/api/auth/device`, { screenId, deviceSecret }, { csrf: false, timeoutMs: TIMEOUT_MS });
}
