/** The extension: whether this browser has it, how to get it, what it may do, and how a hundred PCs get it. */
import { useEffect } from "preact/hooks";
import { type Extension, extension, findExtension } from "../lib/extension";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Icon, Mark } from "../ui/icons";
import { Loading } from "../ui/Loading";
import { LangSwitch } from "../ui/Switches";
import { browser, isPhone } from "./device";
import { ConnectExtension } from "./ExtensionNote";
import { InstallSteps, UpdateSteps } from "./ExtensionSteps";
import { ManyPcs } from "./ManyPcs";
import { useTitle } from "./use";

export function ExtensionPage() {
  useTitle(t("확장 프로그램", "The extension"));
  useEffect(() => void findExtension(), []);
  const found = extension.value;
  return (
    <main class="door trust">
      <div class="door-top">
        <a href="/" class="brand">
          <Mark />
          <div>
            Vooster
            <small lang="en">Vooster Appliance</small>
          </div>
        </a>
        <LangSwitch />
      </div>
      <div class="extension-lead">
        <h1>{t("확장 프로그램", "The extension")}</h1>
        <p>
          {t(
            "현장 PC의 브라우저에 한 번 설치하면 두 번째 모니터에 제작의뢰서가 전체 화면으로 저절로 나타납니다. 창을 옮기거나 주소를 입력할 필요가 없습니다.",
            "Installed once in a station PC's browser, it shows work orders full screen on the second monitor by itself. No window to move, no address to type.",
          )}
        </p>
      </div>
      {found ? <Verdict found={found} /> : <Loading rows={2} />}
      {found && found.kind !== "missing" && <ConnectExtension />}
      {found?.kind === "outdated" && <UpdateSteps />}
      <InstallSteps isNext={found?.kind === "missing" && !isPhone()} />
      <Permissions />
      <ManyPcs />
    </main>
  );
}

function Verdict({ found }: { found: Extension }) {
  const isWell = found.kind === "installed";
  return (
    <section class="card door-card" role="status">
      <div class="trust-verdict">
        <Icon name={isWell ? "shown" : found.kind === "missing" ? "unpaired" : "problem"} class={look(found)} />
        <h2>{headline(found)}</h2>
      </div>
      <p>{explanation(found)}</p>
      {!isWell && !isPhone() && (
        // A browser gives an extension the pages that are opened after it alone.
        <Button icon="repeat" onClick={() => location.reload()}>
          {t("다시 확인", "Check again")}
        </Button>
      )}
    </section>
  );
}

function look(found: Extension): string {
  return { installed: "is-ok", outdated: "is-warn", missing: "" }[found.kind];
}

function headline(found: Extension): string {
  switch (found.kind) {
    case "installed":
      return t("이 브라우저에 설치되어 있습니다", "This browser has it");
    case "outdated":
      return t("버전이 서버와 다릅니다", "Its version differs from the server's");
    case "missing":
      return isPhone()
        ? t("휴대폰에는 설치할 수 없습니다", "It isn't for phones")
        : t("이 브라우저에는 없습니다", "This browser doesn't have it");
  }
}

function explanation(found: Extension): string {
  if (found.kind === "installed") return t(`버전 ${found.version}`, `Version ${found.version}`);
  if (found.kind === "outdated") {
    return t(
      `이 브라우저의 것은 버전 ${found.version}입니다. 서버에 있는 것으로 바꿔 주세요.`,
      `This browser has version ${found.version}. Replace it with the one on the server.`,
    );
  }
  if (isPhone()) return t("현장 PC에서 이 주소를 여세요.", "Open this address on the station's PC.");
  if (browser() === null) {
    return t(
      "Chrome, Edge, Whale에 설치할 수 있습니다. 그중 하나로 이 주소를 여세요.",
      "Chrome, Edge and Whale take it. Open this address in one of them.",
    );
  }
  return t(
    "아래 순서대로 설치한 뒤 ‘다시 확인’을 누르세요. 시크릿 창에서는 보이지 않습니다.",
    "Install it as below, then press “Check again”. It isn't seen in a private window.",
  );
}

function Permissions() {
  return (
    <details class="card trust-way">
      <summary>{t("무엇을 할 수 있고, 왜 필요한가", "What it may do, and why")}</summary>
      <div>
        <p>
          {t(
            "공장의 Vooster 서버와만 주고받고, 제작의뢰서를 띄우려고 자기가 연 창만 다룹니다. 다른 탭의 내용, 방문 기록, 비밀번호는 읽지 않습니다.",
            "It talks to the plant's Vooster server alone, and handles only the windows that it opened for work orders. It doesn't read other tabs, the history or passwords.",
          )}
        </p>
        <dl class="permissions">
          <dt>{t("모든 사이트의 데이터 읽기", "Read data on all sites")}</dt>
          <dd>
            {t(
              "서버와 제작의뢰서의 주소가 공장마다 달라서 브라우저에 미리 적어 둘 수 없습니다. 서버를 찾고, 띄운 제작의뢰서가 정말 열렸는지 볼 때만 씁니다.",
              "Each plant's server and work orders have addresses of their own, so none can be listed beforehand. It is used to find the server and to see whether a work order really opened.",
            )}
          </dd>
          <dt>{t("모니터 정보", "Monitors")}</dt>
          <dd>
            {t("두 번째 모니터가 있는지, 어디에 있는지 압니다.", "To know that there is a second one, and where.")}
          </dd>
          <dt>{t("알림", "Notifications")}</dt>
          <dd>
            {t(
              "제작의뢰서를 띄우지 못했거나 연결이 끊기면 주 모니터에 알립니다.",
              "To say on the main monitor that a work order could not be shown or the connection is gone.",
            )}
          </dd>
          <dt>{t("전원", "Power")}</dt>
          <dd>
            {t(
              "제작의뢰서가 떠 있는 동안 모니터가 꺼지지 않게 합니다.",
              "To keep monitors on while a work order is shown.",
            )}
          </dd>
          <dt>{t("저장", "Storage")}</dt>
          <dd>
            {t(
              "이 PC가 어느 자리인지와 등록 열쇠를 이 PC에 둡니다.",
              "To keep on this PC which station it is, and its key.",
            )}
          </dd>
          <dt>{t("시간 알람", "Alarms")}</dt>
          <dd>{t("30초마다 연결을 살핍니다.", "To look after the connection every 30 s.")}</dd>
        </dl>
      </div>
    </details>
  );
}
