/** A screen at rest: ready, called by name, used in another window. */
import { when } from "../../lib/format";
import { t } from "../../lib/i18n";
import { lineNames, lineText } from "../../lib/names";
import { withParticle } from "../../lib/particles";
import type { Link } from "../../lib/wire/connection";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { Both, Frame, Middle, type PageProps, PlaceName, PlantName } from "../parts";

export function Ready({ station }: PageProps) {
  const place = station.place.value;
  const last = station.last.value;
  const name = place?.name ?? "";
  return (
    <Frame
      lamp="ready"
      top={<PlantName name={place?.plant ?? ""} />}
      foot={
        <>
          <span>
            {last && (
              <>
                {t("마지막 제작의뢰서", "Last work order")} <b>{last.name}</b> ·{" "}
                {when(last.acceptedAt).replace(/:\d\d$/, "")}
              </>
            )}
          </span>
          <span>{linkText(station.link.value)}</span>
        </>
      }
    >
      <div class="ready">
        <p class="who">
          {[...lineNames(place?.groups ?? []), place?.screenId === name ? "" : place?.screenId]
            .filter(Boolean)
            .join(" · ")}
        </p>
        <h1 class="name" style={{ "--ems": ems(name) }}>
          {name}
        </h1>
        <div class="go">
          <span class="badge">
            <Icon name="showing" />
            {t("준비됨", "Ready")}
          </span>
          <div>
            <Both
              text={{
                ko: "바코드를 스캔하면 제작의뢰서가 여기에 나타납니다",
                en: "Scan a barcode and the work order appears here",
              }}
            />
          </div>
        </div>
      </div>
    </Frame>
  );
}

/** Of the way too, where it isn't the usual one: it is the plant's network that drops WebSocket. */
function linkText(link: Link): string {
  if (link.kind !== "open") return t("서버에 연결하는 중", "Connecting");
  if (link.wire === "websocket") return t("서버 연결됨", "Connected");
  return t("서버 연결됨 · 웹소켓이 막혀 HTTP 사용", "Connected over HTTP · WebSocket is blocked");
}

/** About how wide a name is, in its own font size, so that a long one still fits on its line. */
export function ems(name: string): number {
  let width = 0;
  for (const char of name) width += (char.codePointAt(0) ?? 0) >= 0x1100 ? 1 : 0.64;
  return Math.max(1, width);
}

export function Identify({ station }: PageProps) {
  const place = station.place.value;
  const asked = station.identify.value;
  const lines = (place?.groups ?? []).map(lineText);
  const name = place?.name || asked?.label || "";
  const seconds = Math.max(0, Math.ceil(((asked?.until ?? 0) - station.now.value) / 1000));
  return (
    <Frame
      lamp="none"
      class="ident"
      top={<PlantName name={place?.plant ?? ""} />}
      foot={<span>{t(`${seconds}초 뒤 원래 화면으로 돌아갑니다`, `Back to what was here in ${seconds} s`)}</span>}
    >
      <div class="ident-body">
        <p class="name" style={{ "--ems": ems(name) }}>
          {name}
        </p>
        <p class="id">{place?.screenId === name ? "" : place?.screenId}</p>
        <Both
          text={{
            ko: [...new Set(lines.map(({ ko }) => ko)), "이 모니터입니다"].join(" · "),
            en: [...new Set(lines.map(({ en }) => en)), "this is the one"].join(" · "),
          }}
        />
      </div>
    </Frame>
  );
}

export function Replaced({ station }: PageProps) {
  const place = station.place.value;
  const name = place?.name ?? t("이 모니터", "This screen");
  return (
    <Frame lamp="unpaired" top={<PlaceName place={place} />} foot={<span class="code">SESSION_REPLACED · 4409</span>}>
      <Middle
        icon="superseded"
        head={{
          ko: `${withParticle(name, "은/는")} 다른 창에서 쓰고 있습니다`,
          en: `${name} is open in another window`,
        }}
      >
        <Both
          text={{
            ko: "이 창은 닫아도 됩니다. 이 창에서 쓰려면 단추나 Enter를 눌러 주세요.",
            en: "You can close this one. To use it here, press the button or Enter.",
          }}
        />
        <Button look="primary" class="take-back" onClick={() => station.confirm()}>
          {t("여기서 쓰기", "Use it here")}
        </Button>
      </Middle>
    </Frame>
  );
}
