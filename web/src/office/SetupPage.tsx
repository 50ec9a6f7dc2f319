/** First run: the administrator's account, and beside it what was already checked. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { get, post, setCsrf } from "../lib/api";
import { type Problem, problemIn, problemOf } from "../lib/errors";
import { pick, t } from "../lib/i18n";
import { Button, ButtonLink } from "../ui/Button";
import { Field } from "../ui/Field";
import { Icon, Mark } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { ProblemNotice } from "../ui/Notice";
import { LangSwitch } from "../ui/Switches";
import { MIN_PASSWORD, Password } from "./Password";
import { go, place } from "./router";
import { loadMe } from "./session";
import type { Setup, SetupCheck, SignedIn } from "./types";
import { useTitle } from "./use";

export function SetupPage() {
  const token = useMemo(() => new URLSearchParams(place.value.hash.slice(1)).get("token") ?? "", []);
  const [setup, setSetup] = useState<Setup | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useTitle(t("설치", "Set-up"));
  const load = async (): Promise<void> => {
    setProblem(null);
    try {
      if (!token) throw new Error("no token");
      setSetup(await get<Setup>("/api/setup", { bearer: token }));
    } catch (error) {
      const found = token ? problemIn(error) : problemOf("SETUP_LINK_EXPIRED");
      setProblem(found.status === 401 ? problemOf("SETUP_LINK_EXPIRED") : found);
    }
  };
  useEffect(() => void load(), []);
  return (
    <main class="set">
      <section class="set-l">
        <div class="set-in">
          <div class="door-top">
            <div class="brand">
              <Mark />
              <div lang="en">Vooster Appliance</div>
            </div>
            <LangSwitch />
          </div>
          <Heading code={problem?.code ?? null} />
          {problem && <SetupProblem problem={problem} onRetry={() => void load()} />}
          {!problem && !setup && <Loading rows={3} />}
          {setup && <SetupForm token={token} onProblem={setProblem} />}
        </div>
      </section>
      {setup && <Checks checks={setup.checks} />}
    </main>
  );
}

function Heading({ code }: { code: string | null }) {
  if (code === "SETUP_COMPLETE") return <h1>{t("설치가 이미 끝났습니다", "Set-up is already done")}</h1>;
  if (code === "SETUP_LINK_EXPIRED") return <h1>{t("새 설치 링크가 필요합니다", "A new set-up link is needed")}</h1>;
  return (
    <div>
      <h1>{t("시스템 관리자 계정을 만듭니다", "Create the administrator")}</h1>
      <p class="lead">
        {t("이 공장의 모든 설정을 바꿀 수 있는 계정입니다.", "This account can change everything in this plant.")}
      </p>
    </div>
  );
}

function SetupProblem({ problem, onRetry }: { problem: Problem; onRetry: () => void }) {
  if (problem.code === "SETUP_COMPLETE") {
    return (
      <ButtonLink look="primary" glove wide href="/login">
        {t("로그인", "Sign in")}
      </ButtonLink>
    );
  }
  const lost = problem.code === "SETUP_LINK_EXPIRED";
  return <ProblemNotice problem={problem} onRetry={lost ? undefined : onRetry} />;
}

function SetupForm({ token, onProblem }: { token: string; onProblem: (problem: Problem) => void }) {
  const [name, setName] = useState("");
  const [username, setUsername] = useState("admin");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [asked, setAsked] = useState(false);
  const short = [...password].length < MIN_PASSWORD;
  const bad = (field: string): boolean => problem?.fields.some((item) => item.field === field) ?? false;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    setAsked(true);
    if (short || !username.trim()) return;
    setBusy(true);
    setProblem(null);
    try {
      const body = { token, username: username.trim(), password, ...(name.trim() && { name: name.trim() }) };
      const answer = await post<SignedIn>("/api/setup", body, { csrf: false, timeoutMs: 20_000 });
      setCsrf(answer.csrfToken);
      await loadMe();
      go("/screens", true);
    } catch (error) {
      const found = problemIn(error);
      if (found.code === "SETUP_COMPLETE" || found.code === "SETUP_LINK_EXPIRED") onProblem(found);
      else setProblem(found);
    } finally {
      setBusy(false);
    }
  };
  const whyName = asked && !username.trim() ? t("아이디를 입력해 주세요.", "Type a user name.") : null;
  const whyPassword = asked && short ? t("12자 이상 입력해 주세요.", "Type at least 12 characters.") : null;
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label={t("공장 이름", "Plant name")}
        value={name}
        onValue={setName}
        name="plant"
        autocomplete="organization"
        maxLength={80}
        placeholder={t("예: 정밀가공 2공장", "For example: Precision Plant 2")}
        why={bad("name") ? t("80자까지 쓸 수 있습니다.", "At most 80 characters.") : null}
      />
      <Field
        label={t("아이디", "User name")}
        value={username}
        onValue={setUsername}
        name="username"
        autocomplete="username"
        maxLength={64}
        why={
          bad("username")
            ? t("글자와 숫자, . _ - 만 쓸 수 있습니다.", "Letters, digits and . _ - can be used.")
            : whyName
        }
      />
      <Password
        value={password}
        onValue={setPassword}
        meter
        why={
          bad("password")
            ? t("더 길거나 덜 흔한 비밀번호가 필요합니다.", "A longer or less common one is needed.")
            : whyPassword
        }
      />
      {problem && <ProblemNotice problem={problem} />}
      <Button type="submit" look="primary" glove wide busy={busy}>
        {t("만들고 모니터 등록으로", "Create, then pair a screen")}
      </Button>
      <p class="faint small">{t("이 설치 링크는 한 번만 쓸 수 있습니다.", "This set-up link works once.")}</p>
    </form>
  );
}

function Checks({ checks }: { checks: SetupCheck[] }) {
  const titles: Record<string, string> = {
    address: t("다른 PC에서 여는 주소", "Address for the other PCs"),
    mdns: t("자동으로 찾기", "Found automatically"),
    folder: t("제작의뢰서 폴더", "Work order folder"),
    disk: t("저장 공간", "Disk"),
    firewall: t("방화벽", "Firewall"),
  };
  return (
    <aside class="set-r" aria-labelledby="checked">
      <h2 id="checked">{t("미리 확인했습니다", "Already checked for you")}</h2>
      <ul>
        {checks.map((check) => (
          <li key={check.name} class={check.ok === true ? "good" : check.ok === false ? "meh" : "open"}>
            <Icon name={check.ok === true ? "shown" : check.ok === false ? "problem" : "info"} />
            <b>
              <span class="vh">{verdict(check.ok)}: </span>
              {titles[check.name] ?? check.name}
            </b>
            <small>
              {check.value && <code>{check.value}</code>}
              {check.value && pick(check.detail) && " · "}
              {pick(check.detail)}
            </small>
          </li>
        ))}
      </ul>
    </aside>
  );
}

function verdict(ok: boolean | null): string {
  if (ok === null) return t("확인하지 못함", "Not known");
  return ok ? t("정상", "Fine") : t("확인 필요", "Needs a look");
}
