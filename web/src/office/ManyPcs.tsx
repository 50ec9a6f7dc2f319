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
          </li>
          <li>
            {t(
              "서버를 정책으로 알려 줍니다. 그러면 주소를 찾거나 누를 것이 없고, 다른 서버에는 연결하지 않습니다. 파일에는 서버의 주소와 식별 번호만 있고 비밀은 없습니다.",
              "Name the server by policy: then there is nothing to find or press, and no other server is ever taken for it. The files hold the server's address and identity, and no secret.",
            )}
            <div class="extension-files">
              <ButtonLink href="/extension/policy.reg">{t("Windows 레지스트리", "Windows registry")} (.reg)</ButtonLink>
              <ButtonLink href="/extension/policy.json">Linux (.json)</ButtonLink>
            </div>
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
                "받았는지는 그 PC의 chrome://policy 에서 봅니다.",
                "What has arrived stands at chrome://policy on that PC.",
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
                "파일마다 그 자리의 열쇠가 들어 있습니다. 각 PC에 자기 파일만 넣고, 넣은 뒤에는 지웁니다. Linux PC라면 --form json 을 붙입니다.",
                "Each file holds its station's key. Give each PC its own file only, and delete it afterwards. For Linux PCs add --form json.",
              )}
            </p>
          </li>
        </ol>
      </Way>
    </section>
  );
}
