/** Approving a screen that shows a code: the person stands before it, types its last four letters, picks the station. */
import { useEffect, useState } from "preact/hooks";
import { answer } from "../lib/api";
import { type Problem, problemIn, problemOf } from "../lib/errors";
import { t } from "../lib/i18n";
import { ButtonLink } from "../ui/Button";
import { Loading } from "../ui/Loading";
import { ProblemNotice } from "../ui/Notice";
import { ApproveDone } from "./ApproveDone";
import { ApproveForm } from "./ApproveForm";
import { approveFragment } from "./approveFragment";
import { CodeField } from "./CodeField";
import { MarkPage, PhonePage } from "./PhonePage";
import { place } from "./router";
import { may, noticeEnd } from "./session";
import type { List, Screen, Waiting } from "./types";
import { useAfterSignIn, useResource, useTitle } from "./use";
import { codeLetters } from "./userCode";

/** What asks, and until when by this device's own clock. Only the code's first half is ever sent before approval. */
export type Request = { prefix: string; device: Waiting; expiresAt: number };
type Outcome = { kind: "approved"; screenId: string; name: string } | { kind: "denied" } | { kind: "expired" };

export function ApprovePage() {
  const { code, fingerprint } = approveFragment(place.value.hash);
  const letters = codeLetters(code);
  useTitle(t("모니터 승인", "Approve a screen"));
  if (!may("supervisor")) {
    return (
      <PhonePage>
        <ProblemNotice problem={problemOf("PERMISSION_DENIED", { role: t("현장 관리자", "Supervisor") })} />
        <ButtonLink href="/">{t("지금 페이지로", "Go to Now")}</ButtonLink>
      </PhonePage>
    );
  }
  const prefix = letters.slice(0, 4);
  return prefix.length === 4 ? <Asked key={prefix} prefix={prefix} fingerprint={fingerprint} /> : <TypeCode />;
}

function TypeCode() {
  return (
    <PhonePage>
      <h1>{t("모니터에 보이는 코드를 입력해 주세요", "Type the code on the screen")}</h1>
      <CodeField stacked />
      <p class="small quiet">
        {t(
          "휴대폰 카메라로 모니터의 QR을 비추면 입력하지 않아도 됩니다.",
          "Or point the phone's camera at the QR on the screen.",
        )}
      </p>
    </PhonePage>
  );
}

async function findRequest(prefix: string): Promise<Request> {
  const { body, serverTime } = await answer<Waiting>("GET", `/api/pairing/device/${prefix}`);
  return { prefix, device: body, expiresAt: Date.now() + body.expiresAt - serverTime };
}

function Asked({ prefix, fingerprint }: { prefix: string; fingerprint: string | null }) {
  const [request, setRequest] = useState<Request | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const screens = useResource<List<Screen>>("/api/screens");
  const load = async (): Promise<void> => {
    setProblem(null);
    try {
      setRequest(await findRequest(prefix));
    } catch (error) {
      const found = problemIn(error);
      noticeEnd(found);
      if (found.status === 401) return;
      if (found.code === "PAIRING_EXPIRED" || found.code === "NOT_FOUND") setOutcome({ kind: "expired" });
      else setProblem(found);
    }
  };
  useEffect(() => void load(), []);
  useAfterSignIn(() => void load());
  if (outcome?.kind === "approved") return <ApproveDone screenId={outcome.screenId} name={outcome.name} />;
  if (outcome?.kind === "denied") return <Denied />;
  if (outcome?.kind === "expired") return <Expired />;
  const failed = problem ?? screens.problem;
  if (!request || !screens.data) {
    return (
      <PhonePage>
        <h1 class="vh">{t("모니터 승인", "Approve a screen")}</h1>
        {failed ? (
          <ProblemNotice
            problem={failed}
            onRetry={() => {
              void load();
              void screens.reload();
            }}
          />
        ) : (
          <Loading rows={4} />
        )}
      </PhonePage>
    );
  }
  return (
    <ApproveForm
      request={request}
      fingerprint={fingerprint}
      screens={screens.data.items}
      wanted={place.value.searchParams.get("screenId")}
      onApproved={(screenId, name) => setOutcome({ kind: "approved", screenId, name })}
      onDenied={() => setOutcome({ kind: "denied" })}
      onExpired={() => setOutcome({ kind: "expired" })}
    />
  );
}

function Denied() {
  return (
    <MarkPage
      news
      icon="close"
      head={t("등록을 거부했습니다", "Pairing denied")}
      text={
        <p>
          {t(
            "아무것도 바뀌지 않았습니다. 모니터에는 10초 뒤 새 코드가 나옵니다.",
            "Nothing has changed. The screen shows a new code in 10 s.",
          )}
        </p>
      }
      foot={
        <ButtonLink look="primary" glove wide href="/screens">
          {t("모니터 목록으로", "Go to Screens")}
        </ButtonLink>
      }
    />
  );
}

function Expired() {
  return (
    <MarkPage
      news
      icon="pending"
      head={t("등록 코드가 만료되었습니다", "This pairing code has expired")}
      text={
        <p>
          {t(
            "모니터에 새 QR이 떠 있습니다. 카메라로 다시 비추거나 새 코드를 입력해 주세요.",
            "The screen already shows a new code. Point your camera at it again, or type it.",
          )}
        </p>
      }
      foot={<CodeField stacked />}
    />
  );
}
