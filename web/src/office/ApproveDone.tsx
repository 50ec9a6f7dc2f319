/** After approval: said to be ready only when the screen itself has said hello. */
import { useEffect, useState } from "preact/hooks";
import { get } from "../lib/api";
import { problemIn } from "../lib/errors";
import { t } from "../lib/i18n";
import { withParticle } from "../lib/particles";
import { Button, ButtonLink } from "../ui/Button";
import { MarkPage } from "./PhonePage";
import { noticeEnd } from "./session";
import type { Screen } from "./types";

const ASK_EVERY_MS = 700;
const PATIENCE_MS = 10_000;

type Phase = "waiting" | "late" | "ready";

export function ApproveDone({ screenId, name }: { screenId: string; name: string }) {
  const [phase, setPhase] = useState<Phase>("waiting");
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const since = Date.now();
    let timer: ReturnType<typeof setTimeout>;
    let stopped = false;
    const ask = async (): Promise<void> => {
      try {
        const screen = await get<Screen>(`/api/screens/${encodeURIComponent(screenId)}`);
        if (stopped) return;
        if (screen.online) return setPhase("ready");
      } catch (error) {
        noticeEnd(problemIn(error));
      }
      if (stopped) return undefined;
      if (Date.now() - since > PATIENCE_MS) setPhase("late");
      timer = setTimeout(() => void ask(), ASK_EVERY_MS);
      return undefined;
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [screenId, turn]);
  if (phase === "ready") {
    return (
      <MarkPage
        news
        good
        icon="showing"
        head={t(`${name}, 준비되었습니다`, `${name} is ready`)}
        text={<p>{t("모니터에 ‘준비됨’이 보이면 끝입니다.", "When the screen says “Ready”, you are done.")}</p>}
        foot={
          <>
            <ButtonLink look="primary" glove wide href="/screens">
              {t("모니터 목록으로", "Go to Screens")}
            </ButtonLink>
            <ButtonLink look="bare" glove wide href="/approve">
              {t("다른 모니터 등록", "Pair another screen")}
            </ButtonLink>
          </>
        }
      />
    );
  }
  const late = phase === "late";
  return (
    <MarkPage
      news
      icon={late ? "offline" : "pending"}
      head={
        late
          ? t("승인했지만 모니터가 아직 연결되지 않았습니다", "Approved, but the screen has not connected yet")
          : t(`${withParticle(name, "으로/로")} 승인했습니다`, `Approved as ${name}`)
      }
      text={
        <p>
          {late
            ? t(
                "그 PC의 랜선을 확인하고, 모니터에 무엇이 보이는지 봐 주세요.",
                "Check that PC's network cable, and what its screen shows.",
              )
            : t("모니터가 연결되기를 기다리고 있습니다.", "Waiting for the screen to connect.")}
        </p>
      }
      foot={
        late ? (
          <>
            <Button
              look="primary"
              glove
              wide
              onClick={() => {
                setPhase("waiting");
                setTurn(turn + 1);
              }}
            >
              {t("기다리기", "Wait")}
            </Button>
            <ButtonLink look="bare" glove wide href="/screens">
              {t("모니터 목록으로", "Go to Screens")}
            </ButtonLink>
          </>
        ) : undefined
      }
    />
  );
}
