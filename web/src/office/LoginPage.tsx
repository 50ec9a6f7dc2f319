/** Sign-in. Afterwards one is where one was going. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Problem, problemIn } from "../lib/errors";
import { long } from "../lib/format";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { Mark } from "../ui/icons";
import { Notice, ProblemNotice } from "../ui/Notice";
import { LangSwitch } from "../ui/Switches";
import { Password } from "./Password";
import { go, takeNext } from "./router";
import { signIn } from "./session";
import type { WellKnown } from "./types";
import { UnencryptedNote } from "./UnencryptedNote";
import { useNow, useResource, useTitle } from "./use";

export function LoginPage() {
  const { data } = useResource<WellKnown>("/.well-known/vooster");
  useTitle(t("로그인", "Sign in"));
  const waitsForSetup = data?.setupComplete === false;
  return (
    <main class="door">
      <div class="door-top">
        <div class="brand">
          <Mark />
          <div>
            {data?.name || "Vooster"}
            <small lang="en">Vooster Appliance</small>
          </div>
        </div>
        <LangSwitch />
      </div>
      <div class="card door-card">
        <h1>{t("로그인", "Sign in")}</h1>
        {waitsForSetup && (
          <Notice>
            <b>{t("아직 설치가 끝나지 않았습니다.", "Set-up isn't done yet.")}</b>{" "}
            {t(
              "프로그램을 시작한 창에 나온 설치 링크를 열어 주세요. 그 PC에서 새로 만들려면:",
              "Open the set-up link that the program printed when it started. For a new one, on that PC:",
            )}{" "}
            <code>vooster setup --link</code>
          </Notice>
        )}
        <LoginForm onDone={() => go(takeNext(), true)} />
      </div>
      <div class="door-notes">
        <p>
          {t(
            "비밀번호를 잊었다면 시스템 관리자에게 알려 주세요.",
            "If you forgot your password, tell your administrator.",
          )}
        </p>
        {data && !data.tls && <UnencryptedNote />}
      </div>
    </main>
  );
}

export function LoginForm({ onDone }: { onDone: () => void }) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [lockedUntil, setLockedUntil] = useState(0);
  const [asked, setAsked] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setAsked(true);
    if (!username.trim() || !password) return;
    setBusy(true);
    setProblem(null);
    try {
      await signIn(username.trim(), password);
      onDone();
    } catch (error) {
      const found = problemIn(error);
      if (found.code === "RATE_LIMITED") setLockedUntil(Date.now() + (found.retryAfterSeconds ?? 60) * 1000);
      else setProblem(found);
      setPassword("");
      setAsked(false);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label={t("아이디", "User name")}
        value={username}
        onValue={setUsername}
        inputRef={first}
        name="username"
        autocomplete="username"
        why={asked && !username.trim() ? t("아이디를 입력해 주세요.", "Type your user name.") : null}
      />
      <Password
        value={password}
        onValue={setPassword}
        why={asked && !password ? t("비밀번호를 입력해 주세요.", "Type your password.") : null}
      />
      {problem && <ProblemNotice problem={problem} />}
      <LockedNotice until={lockedUntil} />
      <Button type="submit" look="primary" glove wide busy={busy}>
        {t("로그인", "Sign in")}
      </Button>
    </form>
  );
}

function LockedNotice({ until }: { until: number }) {
  const left = until - useNow();
  if (left <= 0) return null;
  return (
    <Notice tone="warn" icon="lock">
      <b>{t("여러 번 틀려 잠시 기다려야 합니다.", "Wrong too many times; please wait.")}</b>{" "}
      {t(`${long(left + 999)} 뒤에 다시 할 수 있습니다.`, `Try again in ${long(left + 999)}.`)}
    </Notice>
  );
}
