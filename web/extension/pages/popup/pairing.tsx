/** While a person with a phone is awaited: the code, which stands on the second monitor too. */
import { problemOf } from "../../../src/lib/errors";
import { long } from "../../../src/lib/format";
import { pick, t } from "../../../src/lib/i18n";
import { svgImage } from "../../../src/lib/links";
import type { Asking } from "../../../src/station/deviceflow";
import { firstSentence } from "../../../src/station/words";
import { Button } from "../../../src/ui/Button";
import { tell } from "../../port";
import type { View } from "../../view";
import { monitorText } from "../parts/words";
import { MaybeAddress, OtherAddress } from "./AddressForm";
import type { Content } from "./content";
import { Hints } from "./Hints";

type Code = Extract<Asking, { kind: "code" }>;

export function pairing(told: View, now: number): Content {
  const code = told.asking?.kind === "code" ? told.asking : null;
  // With one monitor the code stands here alone.
  const isElsewhere = told.monitors.length > 1;
  const monitor = monitorText(told.target);
  const plant = code?.plant || (told.phase.kind === "pairing" ? told.phase.appliance.name : undefined);
  const isRevoked = now < told.revokedUntil;
  return {
    above: isRevoked ? t("관리자가 이 PC의 등록을 해제했습니다", "A supervisor has unpaired this PC") : plant,
    head: isElsewhere
      ? t(`${monitor}의 QR을 휴대폰으로 비춰 주세요`, `Point a phone at the code on ${monitor}`)
      : t("이 QR을 휴대폰으로 비춰 주세요", "Point a phone at this code"),
    body: (
      <>
        <Plate code={code} now={now} />
        {!isElsewhere && (
          <p class="quiet small centred">
            {t(
              "모니터가 1대라 QR이 여기에만 있습니다. 등록이 끝날 때까지 이 창을 열어 두세요.",
              "With one monitor the code is only here. Keep this open until it is paired.",
            )}
          </p>
        )}
        <MaybeAddress told={told} />
      </>
    ),
    deed: isElsewhere && (
      <Button icon="identify" wide busy={told.doing === "show"} onClick={() => tell({ do: "show" })}>
        {t(`${monitor}에 다시 띄우기`, `Show it on ${monitor} again`)}
      </Button>
    ),
    others: !told.byPolicy && <OtherAddress />,
  };
}

function Plate({ code, now }: { code: Code | null; now: number }) {
  const [first = "", last = ""] = code?.userCode.split("-") ?? [];
  const left = code ? Math.max(0, code.endsAt - now) : 0;
  return (
    <div class="plate">
      {code?.qr ? (
        <img class="qr" src={svgImage(code.qr)} alt={t("등록 QR", "Pairing code")} />
      ) : (
        <div class="qr skeleton" />
      )}
      <div>
        <p class="usercode code">
          {code ? `${first}-` : "····-"}
          <b>{last || "····"}</b>
        </p>
        <p class="quiet small">
          {code
            ? t("뒤 네 글자를 휴대폰에 입력합니다", "Type the last four on the phone")
            : t("코드를 받는 중", "Getting a code")}
        </p>
        <p class="left small">
          <span class="track" aria-hidden="true">
            <i style={{ width: `${code ? (left / code.totalMs) * 100 : 0}%` }} />
          </span>
          {code && t(`${long(left)} 남음`, `${long(left)} left`)}
        </p>
      </div>
    </div>
  );
}

export function denied(told: View, now: number): Content {
  const endsAt = told.asking?.kind === "denied" ? told.asking.endsAt : now;
  const seconds = Math.max(0, Math.ceil((endsAt - now) / 1000));
  return {
    head: t("등록이 거부되었습니다", "Pairing was denied"),
    body: (
      <>
        <p class="quiet">
          {t(
            `관리자에게 확인해 주세요. ${seconds}초 뒤 새 코드가 나옵니다.`,
            `Ask your supervisor. A new code comes in ${seconds} s.`,
          )}
        </p>
        <p class="notice-code">
          <code>PAIRING_DENIED</code>
        </p>
      </>
    ),
    others: null,
  };
}

export function unreachable(told: View, now: number): Content {
  const asking = told.asking?.kind === "unreachable" ? told.asking : { since: now, retryAt: now };
  const problem = problemOf("CONNECTION_TIMEOUT");
  return {
    head: pick(firstSentence(problem.message)),
    body: (
      <>
        <p class="quiet">
          {t(`${long(now - asking.since)} 동안 답이 없습니다.`, `No answer for ${long(now - asking.since)}.`)}{" "}
          {retryText(asking.retryAt - now)} {t("그러면 새 코드가 나옵니다.", "A code comes then.")}
        </p>
        <Hints />
        <MaybeAddress told={told} />
      </>
    ),
    others: !told.byPolicy && <OtherAddress />,
  };
}

/** When it is tried again, `ms` from now. */
export function retryText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds >= 1
    ? t(`${seconds}초 뒤 다시 연결합니다.`, `Trying again in ${seconds}\u00a0s.`)
    : t("다시 연결하는 중입니다.", "Trying again.");
}
