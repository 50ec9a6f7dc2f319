/** Who scans here: a signed-in person, or the screen this browser is paired as. */
import { signal } from "@preact/signals";
import { get } from "../lib/api";
import { browserTokens } from "../lib/browserTokens";
import { ProblemError } from "../lib/errors";
import type { Role } from "../lib/messages";
import { NoCredential } from "../lib/wire/connection";

type Me = { kind: "user" | "screen" | "key"; username?: string; screenId?: string; role: Role; plant: string };

export type Session =
  | { kind: "unknown" }
  | { kind: "none" }
  | { kind: "user"; name: string; role: Role; plant: string }
  | { kind: "screen"; screenId: string; plant: string };

export class Scanner {
  readonly session = signal<Session>({ kind: "unknown" });
  private readonly tokens = browserTokens();

  /** The bearer token where the screen scans; undefined where the cookie does. Rejects with NoCredential. */
  async bearer(): Promise<string | undefined> {
    return this.session.value.kind === "screen" ? this.tokens.token() : undefined;
  }

  /** Asks the appliance. Rejects where it can't be reached. */
  async check(): Promise<Session> {
    this.session.value = (await this.person()) ?? (await this.screen()) ?? { kind: "none" };
    return this.session.value;
  }

  /** The appliance doesn't take what was sent. Answers whether there is something else to try. */
  async refused(token: string | undefined): Promise<boolean> {
    if (token) this.tokens.refuse(token);
    const { kind } = await this.check();
    return kind !== "none";
  }

  accepted(): void {
    this.tokens.accepted();
  }

  private async person(): Promise<Session | null> {
    const me = await orNull(get<Me>("/api/me"));
    return me?.kind === "user" ? { kind: "user", name: me.username ?? "", role: me.role, plant: me.plant } : null;
  }

  private async screen(): Promise<Session | null> {
    try {
      const me = await orNull(get<Me>("/api/me", { bearer: await this.tokens.token() }));
      return me ? { kind: "screen", screenId: me.screenId ?? "", plant: me.plant } : null;
    } catch (error) {
      if (error instanceof NoCredential) return null;
      throw error;
    }
  }
}

/** Null where the appliance answered that this isn't anybody. */
async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    const status = error instanceof ProblemError ? error.problem.status : null;
    if (status === 401 || status === 403) return null;
    throw error;
  }
}
