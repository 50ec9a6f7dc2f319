/** What stands with a document: its tag, the page number, and strips below it that shrink it and never cover it. */
import type { Problem } from "../../lib/errors";
import { clock } from "../../lib/format";
import type { Text } from "../../lib/i18n";
import { t } from "../../lib/i18n";
import { withParticle } from "../../lib/particles";
import { Icon, type IconName } from "../../ui/icons";
import { Both, type DrawingFace } from "../parts";
import type { Sheet, Strip } from "../stage";
import { together } from "../words";

export function Tag({ sheet, station }: { sheet: Sheet; station: string }) {
  const scanned = clock(sheet.acceptedAt, false);
  return (
    <p class="tag">
      <Icon name="shown" />
      {sheet.name}
      {" · "}
      {sheet.restored ? t(`복원됨 · ${scanned} 스캔`, `Restored · scanned ${scanned}`) : station}
    </p>
  );
}

/** Which page, and where on it: a monitor without a scroll bar must not let a part look like the whole. */
export function PageNumber({ station }: { station: DrawingFace }) {
  const { page, pages, step, steps } = station.spot.value;
  return (
    <>
      {pages > 1 && (
        <p class="pages">
          <span class="vh">{t("쪽", "Page")} </span>
          {page}/{pages}
        </p>
      )}
      {steps > 1 && (
        <p class="part">
          <span class="vh">
            {t(`이 쪽의 ${steps}부분 중 ${step + 1}`, `Part ${step + 1} of ${steps} of this page`)}
          </span>
          <i style={{ height: `${100 / steps}%`, top: `${(100 / steps) * step}%` }} />
        </p>
      )}
    </>
  );
}

export function LostStrip({ sheet }: { sheet: Sheet }) {
  const { name } = sheet;
  const at = clock(sheet.acceptedAt, false);
  return (
    <Line
      icon="offline"
      look="is-lost"
      text={{
        ko: `연결 끊김. 이 문서는 ${at}에 스캔한 ${name}입니다.`,
        en: `Connection lost. This is ${name}, scanned at ${at}.`,
      }}
    />
  );
}

export function StripLine({ strip }: { strip: Strip }) {
  if (strip.kind === "cleared") {
    return (
      <Line
        icon="documentBad"
        look="is-new"
        text={{ ko: "취소된 제작의뢰서를 치웠습니다", en: "A cancelled work order was put away" }}
      />
    );
  }
  const { shown, skipped } = strip;
  return (
    <Line
      icon="superseded"
      look="is-new"
      text={{
        ko: `새 스캔 ${withParticle(shown, "을/를")} 보여 줍니다. ${withParticle(skipped, "은/는")} 건너뛰었습니다.`,
        en: `Showing the newer scan ${shown}. ${skipped} was skipped.`,
      }}
    />
  );
}

/** For whoever looks after the PC; a worker can go on. */
export function NoticeStrip({ problem }: { problem: Problem }) {
  return <Line icon="problem" look="is-notice" text={together(problem)} />;
}

function Line({ icon, look, text }: { icon: IconName; look: string; text: Text }) {
  return (
    <div class={`strip ${look}`} role="status">
      <Icon name={icon} />
      <div>
        <Both text={text} />
      </div>
    </div>
  );
}
