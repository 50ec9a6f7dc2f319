/** Hooks of the office pages: loading, doing, and the passing of time. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { get } from "../lib/api";
import { type Problem, problemIn } from "../lib/errors";
import { ended, noticeEnd } from "./session";

export type Resource<T> = {
  data: T | null;
  problem: Problem | null;
  reload: () => Promise<void>;
};

/** Loads `path` (nothing while null), keeps the last good answer when a later load fails, and starts over at another path. */
export function useResource<T>(path: string | null, everyMs?: number): Resource<T> {
  const [data, setData] = useState<T | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const latest = useRef(0);
  const reload = useCallback(async () => {
    if (path === null) return;
    latest.current += 1;
    const turn = latest.current;
    try {
      const answer = await get<T>(path);
      if (turn !== latest.current) return;
      setData(answer);
      setProblem(null);
    } catch (error) {
      if (turn !== latest.current) return;
      const found = problemIn(error);
      noticeEnd(found);
      setProblem(found);
    }
  }, [path]);
  useEffect(() => {
    setData(null);
    setProblem(null);
    void reload();
    return () => {
      latest.current += 1;
    };
  }, [reload]);
  useAfterSignIn(() => void reload());
  useEffect(() => {
    if (!everyMs) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible" && !ended.value) void reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  return { data, problem, reload };
}

/** Calls back when somebody has signed in again over the page: what failed for the session's end is done anew. */
export function useAfterSignIn(back: () => void): void {
  const before = useRef(false);
  const over = ended.value;
  useEffect(() => {
    if (before.current && !over) back();
    before.current = over;
  }, [over]);
}

export type Action = { busy: boolean; problem: Problem | null; run: (deed: () => Promise<void>) => Promise<boolean> };

/** One deed at a time, its problem kept for a notice beside its button. `run` answers whether it was done. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const running = useRef(false);
  const run = useCallback(async (deed: () => Promise<void>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setProblem(null);
    try {
      await deed();
      return true;
    } catch (error) {
      const found = problemIn(error);
      noticeEnd(found);
      setProblem(found);
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  return { busy, problem, run };
}

/** The present, in ms since the epoch, renewed every `everyMs`. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** Page title, page's name first. */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} · Vooster`;
  }, [name]);
}
