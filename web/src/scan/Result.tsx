/** The answer to the last scan, as large as the page allows, and the scans before it. */
import { clock, shortParts } from "../lib/format";
import { pick, t } from "../lib/i18n";
import { withParticle } from "../lib/particles";
import { Button, ButtonLink } from "../ui/Button";
import { Icon } from "../ui/icons";
import type { Desk } from "./desk";
import { lookOf, meaningOf } from "./looks";
import type { Scan } from "./store";

const LONGEST_SAID_MS = 60_000;
const CLOCK_OFF_MS = 60_000;

type ResultProps = {
  scan: Scan | null;
  desk: Desk;
  /** Where somebody has to say first which screen is meant; null where that is known. */
  onPick: (() => void) | null;
};

export function Result({ scan, desk, onPick }: ResultProps) {
  if (!scan) return onPick ? <Placeless onPick={onPick} /> : <Idle />;
  if (scan.outcome === "asking") return <Question scan={scan} desk={desk} />;
  const look = lookOf(scan);
  return (
    <section class={`result is-${look.tone}`} role="status" data-outcome={scan.outcome}>
      <Icon name={look.icon} />
      <div class="result-text">
        <h1>{pick(look.word)}</h1>
        <p class="result-order">
          <b>{scan.orderId}</b> <span>{scan.screenName}</span>
        </p>
        <p>{meaningOf(scan)}</p>
        {scan.problem && <p class="result-code code">{scan.problem.code}</p>}
        {scan.outcome === "signIn" && <SignIn />}
        {scan.outcome === "placeless" && onPick && <Pick onPick={onPick} />}
      </div>
      {scan.outcome === "shown" && <Took ms={scan.tookMs} />}
    </section>
  );
}

function Idle() {
  return (
    <section class="result is-idle" role="status">
      <Icon name="scan" />
      <div class="result-text">
        <h1>{t("준비됨", "Ready")}</h1>
        <p>{t("스캔하면 제작의뢰서가 모니터에 나타납니다.", "Scan, and the work order appears on the screen.")}</p>
      </div>
    </section>
  );
}

/** Ready would be a lie: nobody knows yet where a work order is to appear. */
function Placeless({ onPick }: { onPick: () => void }) {
  return (
    <section class="result is-idle" role="status" data-outcome="placeless">
      <Icon name="ready" />
      <div class="result-text">
        <h1>{t("먼저 모니터를 골라 주세요", "Pick a screen first")}</h1>
        <p>
          {t(
            "제작의뢰서를 띄울 모니터를 고릅니다. 한 번 고르면 기억합니다.",
            "The one that shows the work orders. It is remembered.",
          )}
        </p>
        <Pick onPick={onPick} />
      </div>
    </section>
  );
}

function Pick({ onPick }: { onPick: () => void }) {
  return (
    <p class="answers">
      <Button glove look="primary" icon="ready" onClick={onPick}>
        {t("모니터 고르기", "Pick a screen")}
      </Button>
    </p>
  );
}

function Took({ ms }: { ms: number | null }) {
  if (ms === null || ms > LONGEST_SAID_MS) return null;
  const [value, unit] = shortParts(ms);
  return (
    <div class="took">
      <b>
        {value}
        <small>{unit}</small>
      </b>
      {t("걸렸습니다", "from scan to screen")}
    </div>
  );
}

function Question({ scan, desk }: { scan: Scan; desk: Desk }) {
  const off = desk.clockOffMs.value;
  const others = desk.scans.value.filter((other) => other.outcome === "asking").length - 1;
  return (
    <section class="result is-warn" role="status" data-outcome="asking">
      <Icon name="awaitingOrder" />
      <div class="result-text">
        <h1>{t("아직 필요합니까?", "Still needed?")}</h1>
        <p class="result-order">
          <b>{scan.orderId}</b> <span>{scan.screenName}</span>
        </p>
        <p>
          {Math.abs(off) > CLOCK_OFF_MS
            ? t(
                "이 PC의 시계가 서버와 달라 보내지 못했습니다. 이제 서버 시각으로 보냅니다.",
                "Not sent: this PC's clock differs from the server's. From now on the server's is used.",
              )
            : t(
                `${clock(scan.madeAt, false)}에 스캔했지만 서버가 받지 못했습니다.`,
                `Scanned at ${clock(scan.madeAt, false)}, but the server never got it.`,
              )}
        </p>
        <p class="answers">
          <Button glove look="primary" onClick={() => desk.answerYes(scan)}>
            {t("예, 보내기 (Enter)", "Yes, send it (Enter)")}
          </Button>
          <Button glove onClick={() => desk.answerNo(scan)}>
            {t("아니요 (Esc)", "No (Esc)")}
          </Button>
          {others > 0 && <span>{t(`${others}건 더 있습니다`, `${others} more`)}</span>}
        </p>
      </div>
    </section>
  );
}

export function SignIn() {
  return (
    <p class="answers">
      <ButtonLink glove look="primary" href="/login?next=/scan">
        {t("로그인", "Sign in")}
      </ButtonLink>
    </p>
  );
}

export function NoSession() {
  return (
    <section class="result is-warn" role="status">
      <Icon name="lock" />
      <div class="result-text">
        <h1>{t("로그인이 필요합니다", "Sign in to scan")}</h1>
        <p>
          {t(
            "작업자 계정으로 로그인하거나, 모니터로 등록된 브라우저에서 여세요.",
            "Sign in as an operator, or open this page in a browser that is paired as a screen.",
          )}
        </p>
        <SignIn />
      </div>
    </section>
  );
}

export function Recent({ scans }: { scans: Scan[] }) {
  return (
    <ul class="recent" aria-label={t("최근 스캔", "Recent scans")}>
      {scans.slice(0, 10).map((scan) => {
        const look = lookOf(scan);
        return (
          <li key={scan.id}>
            <b>{scan.orderId}</b>
            <span class={`pill pill-${look.pill}`}>
              <Icon name={look.icon} />
              {pick(look.word)}
            </span>
            <span class="m">{[clock(scan.madeAt), scan.screenName].filter(Boolean).join(" · ")}</span>
          </li>
        );
      })}
    </ul>
  );
}

export function hangulHint(orderId: string): string {
  return t(
    `키보드가 한글이지만 ${withParticle(orderId, "으로/로")} 읽었습니다. 한/영 키를 누르면 다른 프로그램에서도 바르게 들어갑니다.`,
    `The keyboard is set to Korean; read as ${orderId} all the same. Press 한/영 so that other programs get it right too.`,
  );
}
