/** This PC is a screen: what stands on its monitor, that the connection is gone, that another window has it. */
import type { ComponentChildren } from "preact";
import { actionOf, problemOf } from "../../../src/lib/errors";
import { ago, clock, long, short, stamp, when } from "../../../src/lib/format";
import { pick, t } from "../../../src/lib/i18n";
import { lineNames } from "../../../src/lib/names";
import { withParticle } from "../../../src/lib/particles";
import { firstSentence } from "../../../src/station/words";
import { Button } from "../../../src/ui/Button";
import { ProblemNotice } from "../../../src/ui/Notice";
import { tell } from "../../port";
import type { View } from "../../view";
import { type Fact, Facts } from "../parts/Facts";
import { MissingNotice, Monitors } from "../parts/Monitors";
import { stageOf } from "../parts/state";
import { TestButton, TestResult } from "../parts/Test";
import { monitorText } from "../parts/words";
import type { Content } from "./content";
import { PICTURE } from "./finding";
import { Hints } from "./Hints";
import { retryText } from "./pairing";
import { Untrusted } from "./Untrusted";

/** From then on it isn't a restart any more. */
const LONG_MS = 60_000;
/** A shift, midnight or not: the day needs no saying. */
const RECENT_MS = 12 * 3_600_000;

export function connected(told: View, now: number): Content {
  return {
    ...who(told),
    body: (
      <>
        <Doing told={told} now={now} />
        {told.notice && now < told.notice.until && <ProblemNotice problem={told.notice.problem} />}
        <MissingNotice told={told} />
        {!told.problem && <Monitors told={told} most={PICTURE} />}
        <TestResult told={told} now={now} />
      </>
    ),
    deed: <TestButton told={told} wide />,
  };
}

/** The order on the monitor, the one under way, the one that failed, or the last there was. */
function Doing({ told, now }: { told: View; now: number }) {
  const stage = stageOf(told, now);
  if (stage?.kind === "failed" || stage?.kind === "refused") {
    return (
      <>
        {stage.name && <Facts facts={[{ name: t("스캔", "Scan"), value: stage.name }]} />}
        <ProblemNotice problem={stage.problem} />
      </>
    );
  }
  if (stage?.kind === "opening") {
    const again = stage.attempt > 1 ? t(` (${stage.attempt}번째)`, ` (attempt ${stage.attempt})`) : "";
    return <Facts facts={[{ name: t("여는 중", "Opening"), value: stage.sheet.name + again }]} />;
  }
  return told.shown ? <Shown shown={told.shown} /> : <Idle told={told} />;
}

function Shown({ shown }: { shown: NonNullable<View["shown"]> }) {
  const facts: Fact[] = [
    {
      name: t("지금", "Now"),
      value:
        shown.tookMs === null ? t(`${shown.sheet.name} (복원됨)`, `${shown.sheet.name} (restored)`) : shown.sheet.name,
    },
    { name: t("표시한 시각", "Shown at"), value: <Time at={shown.shownAt} /> },
    shown.tookMs !== null && {
      name: t("걸린 시간", "Took"),
      value: shown.tookMs < LONG_MS ? short(shown.tookMs) : long(shown.tookMs),
    },
  ];
  return <Facts facts={facts} />;
}

function Idle({ told }: { told: View }) {
  const { last, target } = told;
  const isThere = told.monitors.some(({ index }) => index === target);
  return (
    <>
      {isThere && (
        <p class="quiet">
          {t(
            `바코드를 스캔하면 제작의뢰서가 ${monitorText(target)}에 나타납니다.`,
            `Scan a barcode and the work order appears on ${monitorText(target)}.`,
          )}
        </p>
      )}
      {last && (
        <Facts
          facts={[
            { name: t("마지막 제작의뢰서", "Last work order"), value: last.name },
            { name: t("스캔한 시각", "Scanned at"), value: <Time at={last.acceptedAt} /> },
          ]}
        />
      )}
    </>
  );
}

/** A time with its age, which ticks. */
function Time({ at }: { at: number }): ComponentChildren {
  const isRecent = Date.now() - at < RECENT_MS;
  return (
    <time dateTime={new Date(at).toISOString()} title={stamp(at)}>
      {isRecent ? clock(at) : when(at)}
      {isRecent && <small> {ago(at)}</small>}
    </time>
  );
}

export function cut(told: View, now: number): Content {
  const { link } = told;
  const waiting = link.kind === "waiting" ? link : null;
  const away = now - (told.lostAt ?? now);
  const isRefused = away >= LONG_MS && waiting?.code === "CONNECTION_REFUSED";
  const problem = problemOf(isRefused ? "CONNECTION_REFUSED" : "CONNECTION_TIMEOUT");
  const isTrying = waiting === null || waiting.retryAt <= now;
  return {
    above: who(told).head,
    head: pick(firstSentence(problem.message)),
    body: (
      <>
        <p class="quiet">
          {t(`${long(away)} 전에 끊겼습니다.`, `Lost ${long(away)} ago.`)} {retryText((waiting?.retryAt ?? now) - now)}{" "}
          {told.shown && t("지금 보이는 제작의뢰서는 그대로 둡니다.", "The work order on the screen stays.")}
        </p>
        {told.shown && <Shown shown={told.shown} />}
        {told.untrusted.length > 0 ? <Untrusted told={told} /> : <Hints isRefused={isRefused} />}
        <p class="notice-code">
          <code>{problem.code}</code>
        </p>
      </>
    ),
    deed: (
      <Button look="primary" icon="repeat" wide busy={isTrying} onClick={() => tell({ do: "reconnect" })}>
        {isTrying ? t("연결하는 중", "Connecting") : t("지금 다시 연결", "Reconnect now")}
      </Button>
    ),
  };
}

export function replaced(told: View): Content {
  const { above, head: name } = who(told);
  return {
    above,
    head: t(`${withParticle(name, "은/는")} 다른 창에서 쓰고 있습니다`, `${name} is open in another window`),
    body: (
      <>
        <p class="quiet">
          {t(
            "다른 창이나 다른 PC가 이 자리를 열었습니다. 그래서 여기서는 아무것도 띄우지 않습니다.",
            "Another window or PC has opened this station, so nothing is shown here.",
          )}
        </p>
        <p class="quiet">{actionOf(problemOf("SESSION_REPLACED"))}</p>
      </>
    ),
    deed: (
      <Button look="primary" wide busy={told.doing === "reconnect"} onClick={() => tell({ do: "reconnect" })}>
        {t("여기서 쓰기", "Use it here")}
      </Button>
    ),
  };
}

/** Line, id and name; before the first session the plant is all that is known. */
function who(told: View): Pick<Content, "head" | "above"> {
  const { place } = told;
  if (!place) return { head: told.appliance?.name ?? "Vooster" };
  return { above: [...lineNames(place.groups), place.screenId].join(" · "), head: place.name };
}
