/** What pages that pair a PC say of the extension in this browser, and the press that makes it known to the extension. */
import { useState } from "preact/hooks";
import { type Extension, extension, handOff } from "../lib/extension";
import { t } from "../lib/i18n";
import { Button, ButtonLink } from "../ui/Button";
import { Icon } from "../ui/icons";
import { Notice } from "../ui/Notice";

/** Says that it is missing or another version, with the way to it; nothing where all is well. */
export function ExtensionNote({ found }: { found: Extension }) {
  if (found.kind === "installed") return null;
  const isMissing = found.kind === "missing";
  return (
    <Notice
      tone={isMissing ? "flow" : "warn"}
      end={
        <ButtonLink href="/extension">
          {isMissing ? t("설치 방법", "How to install it") : t("새로 받기", "Get the new one")}
        </ButtonLink>
      }
    >
      {isMissing
        ? t(
            "이 브라우저에는 확장 프로그램이 없습니다. 있으면 두 번째 모니터에 저절로 띄웁니다.",
            "This browser doesn't have the extension. With it the second monitor is filled by itself.",
          )
        : t(
            `확장 프로그램의 버전(${found.version})이 서버와 다릅니다.`,
            `The extension's version (${found.version}) differs from the server's.`,
          )}
    </Notice>
  );
}

/** Where the person's click is wanted next: a page can't press it for them. */
export function PressInPopup() {
  return (
    <p>
      {t(
        "브라우저 오른쪽 위에 열린 Vooster 창에서 단추를 눌러 주세요. 열리지 않았으면 도구 모음의 Vooster 아이콘(퍼즐 조각 안에 있을 수 있습니다)을 누릅니다.",
        "Press the button in Vooster's window at the top right of the browser. If none is open, press the Vooster icon in the toolbar (it may be inside the puzzle piece).",
      )}
    </p>
  );
}

/** Makes this appliance known to the extension of this PC, which then shows the code to approve. */
export function ConnectExtension() {
  const [pressed, setPressed] = useState(false);
  const found = extension.value;
  if (!found) return null;
  if (found.kind === "missing") return <ExtensionNote found={found} />;
  const press = (): void => {
    handOff();
    setPressed(true);
  };
  return (
    <section class="card connect">
      <div class="connect-head">
        <Icon name="showing" />
        <h2>{t("이 PC의 확장 프로그램", "The extension on this PC")}</h2>
      </div>
      <ExtensionNote found={found} />
      {pressed ? (
        <div role="status">
          <PressInPopup />
          <p class="quiet small">
            {t(
              "이미 등록된 PC라면 창이 열리지 않고 아무것도 바뀌지 않습니다.",
              "If this PC is a screen already, no window opens and nothing changes.",
            )}
          </p>
        </div>
      ) : (
        <p class="quiet">
          {t(
            "등록 전이면 여기에서 이 공장에 연결합니다. 두 번째 모니터에 QR이 나옵니다.",
            "If it isn't paired yet, connect it to this plant here. A code then appears on the second monitor.",
          )}
        </p>
      )}
      <Button look={pressed ? "plain" : "primary"} glove wide onClick={press}>
        {pressed ? t("다시 알리기", "Tell it again") : t("이 공장에 연결", "Connect it to this plant")}
      </Button>
    </section>
  );
}
