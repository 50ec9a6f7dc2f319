/** For IT: the same on a hundred PCs, with policies in place of clicks. */
import { t } from "../lib/i18n";
import { ButtonLink } from "../ui/Button";
import { Code, Way } from "./ExtensionSteps";

const PROVISION = "vooster screens provision --csv stations.csv --policy policies";
/** As `appliance/core/managed.py` has the folders. */
const JSON_PLACES = ["/etc/opt/chrome", "/etc/opt/edge", "/etc/chromium"].map(
  (browser) => `${browser}/policies/managed/vooster.json`,
);

export function ManyPcs() {
  return (
    <section class="trust-steps" aria-labelledby="h-it">
      <h2 id="h-it">{t("전산 담당자", "For IT")}</h2>
      <Way name={t("여러 PC에 한 번에", "For many PCs")}>
        <ol class="trust-list">
          <li>
            {t(
              "압축을 푼 폴더를 모든 PC의 같은 곳에 복사하고, PC마다 한 번 위의 방법으로 불러옵니다. 정책이 개발자 모드를 막고 있으면 풀어 둡니다(ExtensionDeveloperModeSettings).",
              "Copy the unzipped folder to the same place on every PC and load it there once, as above. If a policy forbids developer mode, allow it (ExtensionDeveloperModeSettings).",
            )}
            <p>
              {t(
                "이 한 번은 정책으로 대신할 수 없습니다. 강제 설치(ExtensionInstallForcelist)에는 서명된 CRX 파일과 업데이트 주소가 필요한데 Vooster에는 없습니다. 직접 CRX로 묶지도 마세요. 서명 키가 다르면 확장 프로그램의 ID가 달라져서 서버와 아래 파일이 알아보지 못합니다.",
                "No policy saves this one step. A forced installation (ExtensionInstallForcelist) needs a signed CRX file and an update address, and Vooster has neither. Don't pack a CRX yourself: with another key the extension has another ID, which neither the server nor the files below know.",
              )}
            </p>
            <p>
              {t(
                "Linux의 Chromium은 --load-extension=폴더 로 시작하면 불러오는 단계도 필요 없습니다. Chrome은 137부터 이 옵션을 받지 않습니다.",
                "Chromium on Linux can do without the loading, too: start it with --load-extension=FOLDER. Chrome takes that option no longer, from version 137 on.",
              )}
            </p>
          </li>
          <li>
            {t(
              "서버를 정책으로 알려 줍니다. 그러면 주소를 찾거나 누를 것이 없고, 다른 서버에는 연결하지 않습니다. 파일에는 서버의 주소와 식별 번호만 있고 비밀은 없습니다.",
              "Name the server by policy: then there is nothing to find or press, and no other server is ever taken for it. The files hold the server's address and identity, and no secret.",
            )}
            <div class="extension-files">
              <ButtonLink href="/extension/policy.reg">{t("Windows 레지스트리", "Windows registry")} (.reg)</ButtonLink>
              <ButtonLink href="/extension/policy.json">Linux (.json)</ButtonLink>
              <ButtonLink href="/extension/policy.mobileconfig">macOS (.mobileconfig)</ButtonLink>
            </div>
            <p>
              {t(
                "번역 제안과 비밀번호 저장 제안도 끕니다(TranslateEnabled, PasswordManagerEnabled). 두 번째 모니터의 제작의뢰서를 가리는데 거기서는 닫을 수 없기 때문입니다. 그 PC의 브라우저 전체에 적용되니, 필요하면 파일에서 그 줄을 지웁니다.",
                "They also turn off the offers to translate and to save passwords (TranslateEnabled, PasswordManagerEnabled): on the second monitor these would cover a work order, and nobody could close them there. That goes for all of the PC's browsing; where it is unwanted, take these lines out of the file.",
              )}
            </p>
            <p>
              {t(
                "Windows, 관리자 명령 프롬프트 (Chrome과 Edge):",
                "Windows, in an administrator's prompt (Chrome and Edge):",
              )}
            </p>
            <Code>reg import vooster.reg</Code>
            <p>{t("Linux (Chrome, Edge, Chromium 순서):", "Linux (Chrome, Edge and Chromium, in this order):")}</p>
            <Code>{JSON_PLACES.join("\n")}</Code>
            <p>
              {t(
                "macOS (Chrome과 Edge): 기기 관리(MDM)로 보내거나, 파일을 두 번 눌러 연 뒤 시스템 설정의 프로파일에서 설치합니다.",
                "macOS (Chrome and Edge): send the file by device management (MDM), or open it and install it in System Settings, Profiles.",
              )}
            </p>
            <p>
              {t(
                "Whale용 파일은 없습니다. Whale이 Windows 정책을 어디에서 읽는지 네이버가 공개하지 않았습니다. Whale을 쓰는 PC는 ‘이 공장에 연결’로 한 번 연결합니다.",
                "There is none for Whale: Naver doesn't publish where it reads its policies on Windows. Connect PCs with Whale once by “Connect it to this plant”.",
              )}
            </p>
            <p>
              {t(
                "받았는지는 그 PC의 chrome://policy (Edge: edge://policy)에서 봅니다.",
                "What has arrived stands at chrome://policy (Edge: edge://policy) on that PC.",
              )}
            </p>
          </li>
          <li>
            {t(
              "휴대폰 승인도 없이 등록하려면 서버 PC에서 자리 목록(screenId, name, groups)으로 PC마다 하나씩 파일을 만듭니다.",
              "To pair without any phone, make a file for each PC on the server PC, from a list of stations (screenId, name, groups).",
            )}
            <Code>{PROVISION}</Code>
            <p>
              {t(
                "파일마다 그 자리의 열쇠가 들어 있습니다. 각 PC에 자기 파일만 넣고, 넣은 뒤에는 지웁니다. Linux PC라면 --form json, Mac이라면 --form mobileconfig 를 붙입니다.",
                "Each file holds its station's key. Give each PC its own file only, and delete it afterwards. For Linux PCs add --form json, for Macs --form mobileconfig.",
              )}
            </p>
          </li>
        </ol>
      </Way>
    </section>
  );
}
