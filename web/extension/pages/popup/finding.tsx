/** Before this PC is a screen: looking, found, nothing found, a page's offer; and another plant in the paired one's place. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { t } from "../../../src/lib/i18n";
import { withParticle } from "../../../src/lib/particles";
import { Button } from "../../../src/ui/Button";
import { Icon } from "../../../src/ui/icons";
import { Notice } from "../../../src/ui/Notice";
import { tell } from "../../port";
import type { Appliance, Command, Meant, Phase, View } from "../../view";
import { Facts } from "../parts/Facts";
import { Monitors } from "../parts/Monitors";
import { addressText, foundBy, monitorText } from "../parts/words";
import { AddressForm, MaybeAddress, OtherAddress } from "./AddressForm";
import type { Content } from "./content";
import { Untrusted } from "./Untrusted";

/** As high as the monitors' picture gets in the popup, in px. */
export const PICTURE = 92;
/** A hand in motion, towards something else that stood there a moment ago, doesn't accept. */
const DEAD_MS = 500;

export function looking(told: View): Content {
  // Nobody is asked: what is wrong stands below, in the problem.
  if (told.byPolicy && told.problem?.code === "SETTINGS_INVALID") {
    return {
      head: t("정해진 주소를 읽을 수 없습니다", "The address that was set can't be read"),
      body: null,
      others: null,
    };
  }
  return {
    head: t("Vooster를 찾고 있습니다", "Looking for Vooster"),
    body: (
      <>
        <p class="quiet">
          {told.byPolicy
            ? t("시스템 관리자가 정한 주소에 묻고 있습니다.", "Asking at the address your administrator has set.")
            : t(
                "공장 네트워크에서 이름으로 묻고 있습니다. 몇 초 걸립니다.",
                "Asking on the plant's network. It takes a few seconds.",
              )}
        </p>
        <ul class="seek code">
          {asked(told).map((address) => (
            <li key={address}>
              <Icon name="find" />
              {address}
            </li>
          ))}
        </ul>
        <MaybeAddress told={told} />
      </>
    ),
    others: told.byPolicy ? null : <OtherAddress />,
  };
}

function asked({ tried, byPolicy }: View): string[] {
  if (tried.length > 0) return tried.map(addressText);
  return byPolicy ? [] : ["vooster.local"];
}

export function nothing(told: View): Content {
  return {
    head:
      told.untrusted.length > 0
        ? t("이 PC가 서버의 인증서를 믿지 않습니다", "This PC doesn't trust the server's certificate")
        : t("이 네트워크에서 Vooster를 찾지 못했습니다", "No Vooster found on this network"),
    body: (
      <>
        <div class="quiet">
          <p>{t("찾아본 주소, 계속 찾는 중입니다:", "Looked here, and goes on looking:")}</p>
          <ul class="tried code">
            {asked(told).map((address) => (
              <li key={address}>{address}</li>
            ))}
          </ul>
        </div>
        {told.byPolicy ? <SetAddress told={told} /> : <AddressForm told={told} look="primary" />}
      </>
    ),
    others: (
      <Button look="bare" busy={told.doing === "look"} onClick={() => tell({ do: "look" })}>
        {t("지금 다시 찾기", "Look again now")}
      </Button>
    ),
  };
}

function SetAddress({ told }: { told: View }) {
  if (told.untrusted.length > 0) return <Untrusted told={told} />;
  return (
    <Notice icon="lock">
      {t(
        "주소는 시스템 관리자가 정했습니다. 서버 PC가 켜져 있는지, 이 PC의 랜선이 꽂혀 있는지 봐 주세요.",
        "Your administrator has set the address. See that the server PC is on and this PC's network cable is in.",
      )}
    </Notice>
  );
}

export function found(told: View): Content {
  const { appliance } = told.phase as Extract<Phase, { kind: "found" }>;
  return {
    head: t("이 공장을 찾았습니다", "Found this plant"),
    body: (
      <>
        <Facts facts={[...whichPlant(appliance), { name: t("찾은 방법", "Found by"), ...by(appliance) }]} />
        <OneMonitor told={told} />
        <Monitors told={told} most={PICTURE} />
        <MaybeAddress told={told} />
      </>
    ),
    deed: (
      <Deed told={told} command={{ do: "connect", ...meant(appliance) }}>
        {told.doing === "connect" ? t("연결하는 중", "Connecting") : t("이 공장에 연결", "Connect to it")}
      </Deed>
    ),
    others: <OtherAddress />,
  };
}

export function offered(told: View): Content {
  const { appliance, screenId, instead, offer } = told.phase as Extract<Phase, { kind: "offered" }>;
  const { place } = told;
  const ends = instead && (place?.screenId === instead ? `${place.name} (${instead})` : instead);
  const elsewhere = place && place.plant !== appliance.name ? place.plant : null;
  return {
    head: t("이 PC를 이 자리로 등록할까요?", "Pair this PC with this station?"),
    body: (
      <>
        <p class="quiet">{t("Vooster의 등록 페이지가 묻습니다.", "Vooster's pairing page asks.")}</p>
        <Facts facts={[...whichPlant(appliance), { name: t("모니터 번호", "Screen"), value: screenId, code: true }]} />
        {ends && (
          <Notice tone="warn">
            {instead === screenId && !elsewhere
              ? t("이 PC는 이미 이 자리입니다. 새로 등록합니다.", "This PC is that screen already. It is paired anew.")
              : t(
                  `이 PC의 ${elsewhere ? `${elsewhere} ` : ""}${ends} 등록은 끝납니다.`,
                  `This PC will no longer be ${ends}${elsewhere ? ` of ${elsewhere}` : ""}.`,
                )}
          </Notice>
        )}
        {!ends && <Monitors told={told} most={PICTURE} />}
      </>
    ),
    deed: (
      <Deed told={told} command={{ do: "accept", screenId, offer, ...meant(appliance) }}>
        {told.doing === "accept"
          ? t("등록하는 중", "Pairing")
          : t(`${withParticle(screenId, "으로/로")} 등록`, `Pair as ${screenId}`)}
      </Deed>
    ),
    others: (
      <Button look="bare" onClick={() => tell({ do: "decline" })}>
        {t("거절", "Decline")}
      </Button>
    ),
  };
}

type Pressed = Extract<Command, { do: "connect" | "accept" }>;

/** Binds this PC to what stands beside it; a new button, with its dead time, for each appliance and each offer. */
function Deed(shown: { told: View; command: Pressed; children: ComponentChildren }) {
  return <Deliberate key={JSON.stringify(shown.command)} {...shown} />;
}

function Deliberate({ told, command, children }: { told: View; command: Pressed; children: ComponentChildren }) {
  const [since] = useState(() => performance.now());
  return (
    <Button
      look="primary"
      wide
      busy={told.doing === command.do}
      onClick={() => performance.now() - since >= DEAD_MS && tell(command)}
    >
      {children}
    </Button>
  );
}

function meant({ base, instanceId }: Appliance): Meant {
  return { base, instanceId };
}

export function different(told: View): Content {
  const { appliance } = told.phase as Extract<Phase, { kind: "different" }>;
  const mine = told.place?.plant ?? told.appliance?.name ?? "";
  const station = told.place?.name ?? "";
  return {
    head: t("같은 주소에 다른 공장이 있습니다", "A different plant answers at this address"),
    body: (
      <>
        <Facts
          facts={[
            { name: t("주소", "Address"), value: addressText(appliance.base), code: true },
            { name: t("등록된 공장", "Paired with"), value: mine },
            { name: t("응답한 공장", "Answers now"), value: appliance.name },
          ]}
        />
        <p class="quiet">
          {t(
            `원래 공장의 서버를 계속 찾고 있습니다. 나타나면 저절로 다시 연결합니다.`,
            "It goes on looking for its own plant, and reconnects by itself when that answers.",
          )}
        </p>
        <Notice tone="warn">
          {t(
            `새로 등록하면 ${station ? `${station} ` : "지금 "}등록은 끝납니다.`,
            `Pairing again ends ${station ? `the pairing as ${station}` : "the present pairing"}.`,
          )}
        </Notice>
      </>
    ),
    deed: (
      <Deed told={told} command={{ do: "connect", ...meant(appliance) }}>
        {t("이 공장에 다시 등록", "Pair again, with this plant")}
      </Deed>
    ),
    others: (
      <Button look="bare" busy={told.doing === "look"} onClick={() => tell({ do: "look" })}>
        {t("지금 다시 찾기", "Look again now")}
      </Button>
    ),
  };
}

function whichPlant(appliance: Appliance) {
  return [
    { name: t("이름", "Name"), value: appliance.name },
    { name: t("주소", "Address"), value: addressText(appliance.base), code: true },
  ];
}

function by(appliance: Appliance) {
  return { value: foundBy(appliance), code: appliance.by === "name" };
}

/** Before pairing, where a second monitor is what is missing. */
function OneMonitor({ told }: { told: View }) {
  if (told.monitors.length !== 1) return null;
  return (
    <p class="hint-line">
      <Icon name="unpaired" />
      {t(
        `모니터가 1대입니다. 제작의뢰서를 띄울 ${monitorText(1)}를 연결해 주세요.`,
        "There is one monitor. Connect a second one, for work orders.",
      )}
    </p>
  );
}
