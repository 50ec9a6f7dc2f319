/** Who is signed in on this browser, and what they may do. */
import { signal } from "@preact/signals";
import { get, post, setCsrf } from "../lib/api";
import { type Problem, ProblemError, problemIn } from "../lib/errors";
import { t } from "../lib/i18n";
import type { Role } from "../lib/messages";
import type { Me, SignedIn } from "./types";

/** undefined: not asked yet; null: nobody. */
export const me = signal<Me | null | undefined>(undefined);
/** Why asking failed, when it wasn't because nobody is signed in. */
export const meProblem = signal<Problem | null>(null);
/** The program was updated under this page: reload it. */
export const updated = signal(false);
/** The session ended while a page was open: sign-in comes over the page, so that nothing typed is lost. */
export const ended = signal(false);

let version: string | null = null;

const RANK: Record<Role, number> = { viewer: 0, operator: 1, supervisor: 2, admin: 3 };

export function may(role: Role): boolean {
  return me.value ? RANK[me.value.role] >= RANK[role] : false;
}

export function roleName(role: Role): string {
  const names: Record<Role, string> = {
    viewer: t("보기 전용", "Viewer"),
    operator: t("작업자", "Operator"),
    supervisor: t("현장 관리자", "Supervisor"),
    admin: t("시스템 관리자", "Administrator"),
  };
  return names[role];
}

export async function loadMe(): Promise<void> {
  meProblem.value = null;
  try {
    const answer = await get<Me>("/api/me");
    if (version && version !== answer.version) updated.value = true;
    version ??= answer.version;
    me.value = answer.kind === "user" ? answer : null;
    ended.value = false;
  } catch (error) {
    const problem = problemIn(error);
    if (problem.status !== 401) meProblem.value = problem;
    else if (me.value) ended.value = true;
    else me.value = null;
  }
}

export async function signIn(username: string, password: string): Promise<void> {
  const answer = await post<SignedIn>("/api/auth/login", { username, password }, { csrf: false });
  setCsrf(answer.csrfToken);
  await loadMe();
}

export async function signOut(): Promise<void> {
  try {
    await post("/api/auth/logout");
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.status !== 401) throw error;
  } finally {
    setCsrf(null);
  }
  me.value = null;
}

/** Call with any problem a page met: a 401 means that the session is over. */
export function noticeEnd(problem: Problem): void {
  if (problem.status === 401 && problem.code !== "CREDENTIALS_INVALID" && me.value) ended.value = true;
}
