/** Before this browser is a screen: the QR and code, the answer of the person with the phone, an offer to confirm. */
import { actionOf, messageOf } from "../../lib/errors";
import type { Extension } from "../../lib/extension";
import { long } from "../../lib/format";
import { lang, pick, type Text, t } from "../../lib/i18n";
import { svgImage } from "../../lib/links";
import { Icon } from "../../ui/icons";
import { bounds, clientName } from "../client";
import type { Asking } from "../deviceflow";
import { Both, Frame, Middle, type PageProps, PlantName } from "../parts";
import { Disconnected } from "./Disconnected";

const HEAD: Text = { ko: "휴대폰 카메라로\nQR을 비춰 주세요", en: "Point your phone camera at the code" };
const STEPS: Text[] = [
  { ko: "휴대폰을 공장 와이파이에 연결합니다", en: "Join the factory Wi-Fi on your phone" },
  { ko: "카메라로 QR을 비추고 로그인합니다", en: "Point the camera at the code and sign in" },
  { ko: "뒤 네 글자를 넣고, 자리를 골라 승인합니다", en: "Type the last four, pick the station, approve" },
];

export function Unpaired({ station }: PageProps) {
  const asking = station.pairer.asking.value;
  if (asking?.kind === "denied") return <Denied station={station} endsAt={asking.endsAt} />;
  if (asking?.kind === "unreachable") return <Disconnected station={station} flow={asking} />;
  return <Invitation station={station} asking={asking?.kind === "code" ? asking : null} />;
}

type Code = Extract<Asking, { kind: "code" }>;

function Invitation({ station, asking }: PageProps & { asking: Code | null }) {
  const { width, height } = bounds();
  const facts = [clientName().name, `${width}×${height}`].join(" · ");
  const problem = station.pairer.problem.value?.problem;
  return (
    <Frame
      lamp="unpaired"
      top={<PlantName name={asking?.plant ?? ""} />}
      foot={
        <>
          <span>
            {t("카메라가 없으면 브라우저에 입력:", "No camera? Type in a browser:")}{" "}
            <b class="code">{asking?.uri.replace(/^https?:\/\//, "")}</b>
          </span>
          <span class="code">{facts}</span>
        </>
      }
    >
      <div class="pair">
        <div>
          <Both text={HEAD} as="head" />
          {problem ? (
            <div class="pair-problem" role="alert">
              <Icon name="problem" />
              <p>
                <b>{messageOf(problem)}</b> {actionOf(problem)}
              </p>
            </div>
          ) : (
            <ol class="steps">
              {STEPS.map((step, at) => (
                <li key={step.en}>
                  <i>{at + 1}</i>
                  <span>{pick(step)}</span>
                </li>
              ))}
            </ol>
          )}
          {station.extension?.value && <ExtensionLine found={station.extension.value} />}
        </div>
        <Plate asking={asking} now={station.now.value} />
      </div>
    </Frame>
  );
}

/** Nobody has a mouse here, so what there is to get stands as an address. */
function ExtensionLine({ found }: { found: Extension }) {
  const where = <b class="code">{`${location.host}/extension`}</b>;
  return (
    <p class="aside">
      {found.kind === "installed" ? (
        t(
          "이 PC에는 확장 프로그램이 있습니다. 두 번째 모니터에는 확장 프로그램이 저절로 띄웁니다.",
          "This PC has the extension. It shows work orders on the second monitor by itself.",
        )
      ) : (
        <>
          {found.kind === "missing"
            ? t(
                "확장 프로그램이 없습니다. 두 번째 모니터에 저절로 띄우려면:",
                "No extension here. To have the second monitor filled by itself:",
              )
            : t(
                "확장 프로그램의 버전이 다릅니다. 새로 받기:",
                "The extension is another version. Get the new one:",
              )}{" "}
          {where}
        </>
      )}
    </p>
  );
}

function Plate({ asking, now }: { asking: Code | null; now: number }) {
  const [first = "", last = ""] = asking?.userCode.split("-") ?? [];
  const left = asking ? Math.max(0, asking.endsAt - now) : 0;
  return (
    <div class="plate">
      <div class="qr">{asking?.qr && <img src={svgImage(asking.qr)} alt="QR" />}</div>
      <p class="cap">{t("뒤 네 글자를 휴대폰에 입력합니다", "Type the last four on your phone")}</p>
      <p class="usercode">
        {first}-<b>{last || "····"}</b>
      </p>
      <p class="left">
        <span class="track" aria-hidden="true">
          <i style={{ width: `${asking ? (left / asking.totalMs) * 100 : 0}%` }} />
        </span>
        {asking ? t(`${long(left)} 남음`, `${long(left)} left`) : t("코드를 받는 중", "Getting a code")}
      </p>
    </div>
  );
}

function Denied({ station, endsAt }: PageProps & { endsAt: number }) {
  const seconds = Math.max(0, Math.ceil((endsAt - station.now.value) / 1000));
  return (
    <Frame lamp="unpaired" top={<PlantName name="" />} foot={<span class="code">PAIRING_DENIED</span>}>
      <Middle icon="revoked" head={{ ko: "등록이 거부되었습니다", en: "Pairing was denied" }}>
        <Both
          text={{
            ko: `관리자에게 확인해 주세요. ${seconds}초 뒤 새 코드가 나옵니다.`,
            en: `Ask your supervisor. A new code comes in ${seconds} s.`,
          }}
        />
      </Middle>
    </Frame>
  );
}

export function Revoked() {
  return (
    <Frame lamp="unpaired" top={<PlantName name="" />}>
      <Middle icon="revoked" head={{ ko: "등록이 해제되었습니다", en: "This screen was unpaired" }}>
        <Both
          text={{
            ko: "다시 쓰려면 새로 등록해 주세요. 곧 QR이 나옵니다.",
            en: "Pair it again to use it. A code comes in a moment.",
          }}
        />
      </Middle>
    </Frame>
  );
}

export function OfferQuestion({ station }: PageProps) {
  const screenId = station.pairer.offer.value?.screenId ?? "";
  const held = station.place.value;
  const head: Text = { ko: "이 자리의 모니터로 등록할까요?", en: "Pair this screen with this station?" };
  return (
    <Frame
      lamp="unpaired"
      top={<PlantName name={held?.plant ?? ""} />}
      foot={<span>{t("Esc를 누르면 그만둡니다", "Esc cancels")}</span>}
    >
      <Middle icon="unpaired" head={head} above={<p class="ord">{screenId}</p>}>
        <Both
          text={{
            ko: "맞으면 Enter를 누르거나 한 번 더 스캔해 주세요.",
            en: "If so, press Enter or scan it once more.",
          }}
        />
        {held && (
          <p class="say warn" lang={lang.value}>
            {t(`${held.name} 등록은 끝납니다.`, `It will no longer be ${held.name}.`)}
          </p>
        )}
      </Middle>
    </Frame>
  );
}
