/** An order on its way, and what stands in its place when it won't come. */
import { useState } from "preact/hooks";
import { clock } from "../../lib/format";
import { lang, otherLang, type Text, t } from "../../lib/i18n";
import { Icon, type IconName } from "../../ui/icons";
import { Both, Frame, Middle, type PageProps, PlaceName } from "../parts";
import type { Stage } from "../stage";
import { firstSentence, remedy } from "../words";

const SLOW_MS = 3_000;

export function Opening({ station, stage }: PageProps & { stage: Extract<Stage, { kind: "opening" }> }) {
  const { name } = stage.sheet;
  const slow = station.now.value - stage.since >= SLOW_MS;
  const retry = stage.attempt > 1;
  const head: Text = retry
    ? {
        ko: `제작의뢰서를 다시 여는 중입니다 (${stage.attempt}번째)`,
        en: `Opening it again (attempt ${stage.attempt})`,
      }
    : { ko: `${name} 여는 중`, en: `Opening ${name}` };
  return (
    <Frame
      lamp="opening"
      top={<PlaceName place={station.place.value} />}
      foot={<span>{t("앞의 제작의뢰서는 치웠습니다", "The earlier work order is put away")}</span>}
    >
      <Middle icon="document" head={head} above={retry && <p class="ord">{name}</p>}>
        <p class="dots" aria-hidden="true">
          <i />
          <i />
          <i />
        </p>
        {slow && !retry && (
          <Both text={{ ko: "큰 파일입니다, 조금만 기다려 주세요", en: "A large file, one moment" }} />
        )}
      </Middle>
    </Frame>
  );
}

type ProblemProps = { station: PageProps["station"]; stage: Extract<Stage, { kind: "failed" | "refused" }> };

/** The same layout whatever went wrong; the number is large, so that a misread can be seen. */
export function OrderProblem({ station, stage }: ProblemProps) {
  const { problem, name } = stage;
  const waiting = problem.tone === "waiting";
  const icon: IconName = waiting ? "awaitingOrder" : "problem";
  return (
    <Frame
      lamp={waiting ? "opening" : "trouble"}
      class={waiting ? "is-waiting" : ""}
      top={<PlaceName place={station.place.value} />}
      foot={
        <>
          <span>{stage.kind === "failed" && tried(stage.attempts, stage.kept)}</span>
          <span class="code">
            {problem.code} · <Since key={`${problem.code} ${name}`} />
          </span>
        </>
      }
    >
      <Middle icon={icon} head={firstSentence(problem.message)} above={name && <p class="ord">{name}</p>}>
        <Remedy text={remedy(problem)} icon={waiting ? "pending" : "scan"} />
      </Middle>
    </Frame>
  );
}

function Remedy({ text, icon }: { text: Text; icon: IconName }) {
  const other = otherLang();
  return (
    <div class="do">
      <Icon name={icon} />
      <div>
        <p class="say" lang={lang.value}>
          {text[lang.value]}
        </p>
        <p class="second" lang={other}>
          {text[other]}
        </p>
      </div>
    </div>
  );
}

function tried(attempts: number, kept: boolean): string {
  const times = t(`${attempts}번 시도했습니다`, `Tried ${attempts} time${attempts === 1 ? "" : "s"}`);
  if (!kept) return times;
  return `${times} · ${t("관리자 화면의 ‘미전달’에 남겼습니다", "kept under ‘Undelivered’ for your supervisor")}`;
}

/** When it happened: the moment this page came up. */
function Since() {
  const [at] = useState(Date.now);
  return <>{clock(at)}</>;
}
