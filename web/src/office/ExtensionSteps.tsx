/** How somebody who has never done it installs an extension from a folder. Words in quotes are the browser's own. */
import type { ComponentChildren } from "preact";
import { t } from "../lib/i18n";
import { ButtonLink } from "../ui/Button";
import { type Browser, browser } from "./device";

const BROWSERS: Browser[] = ["Chrome", "Edge", "Whale"];
const PAGES: Record<Browser, string> = {
  Chrome: "chrome://extensions",
  Edge: "edge://extensions",
  Whale: "whale://extensions",
};
const FOLDER = "C:\\Vooster\\extension";

export function InstallSteps({ isNext }: { isNext: boolean }) {
  const own = browser();
  return (
    <section class="trust-steps" aria-labelledby="h-install">
      <h2 id="h-install">
        {isNext ? t("설치하기", "Install it") : t("다른 PC에 설치하기", "Install it on another PC")}
      </h2>
      <DownloadButton isNext={isNext} />
      {BROWSERS.map((name) => (
        <Way key={name} name={name} isOpen={isNext && name === (own ?? "Chrome")}>
          <ol class="trust-list">
            <li>
              {t(
                "위 단추로 받은 파일을 마우스 오른쪽 단추로 누르고 ‘압축 풀기’를 고릅니다. 옮기거나 지우지 않을 폴더에 풉니다. 예:",
                "Right-click the file you got above and choose “Extract All”. Take a folder that nobody will move or delete, such as:",
              )}
              <Code>{FOLDER}</Code>
              <span class="quiet small">
                {t(
                  "브라우저는 그 폴더에서 바로 실행합니다. 폴더가 없어지면 확장 프로그램도 없어집니다.",
                  "The browser runs it from there: without the folder the extension is gone.",
                )}
              </span>
            </li>
            <li>
              {t("주소창에 이렇게 입력하고 Enter를 누릅니다.", "Type this into the address bar and press Enter.")}
              <Code>{PAGES[name]}</Code>
            </li>
            <li>{developerMode(name)}</li>
            <li>
              {loadUnpacked(name)}{" "}
              {t(
                "압축을 푼 폴더(manifest.json이 들어 있는 폴더)를 고릅니다.",
                "Choose the folder you unzipped into (the one with manifest.json in it).",
              )}
            </li>
            <li>
              {t(
                "주소창 옆의 퍼즐 조각을 누르고 Vooster 옆의 핀을 누릅니다. 아이콘이 늘 보입니다.",
                "Press the puzzle piece beside the address bar, then the pin beside Vooster, so that its icon stays in sight.",
              )}
            </li>
            <li>
              {t(
                "이 페이지에서 ‘다시 확인’을 누르고, ‘이 공장에 연결’을 누릅니다.",
                "Back on this page press “Check again”, then “Connect it to this plant”.",
              )}
            </li>
          </ol>
          {location.protocol === "https:" && (
            <p class="quiet small">
              {t("이 PC가 서버의 인증서를 믿어야 합니다: ", "This PC has to trust the server's certificate: ")}
              <a href="/trust">{t("인증서 설치", "install it")}</a>
            </p>
          )}
        </Way>
      ))}
    </section>
  );
}

function developerMode(name: Browser): string {
  return name === "Edge"
    ? t(
        "왼쪽 메뉴에 있는 ‘개발자 모드’를 켜고, 켠 채로 둡니다. 끄면 확장 프로그램도 꺼집니다.",
        "Turn on “Developer mode” in the menu on the left and leave it on: off, it turns the extension off, too.",
      )
    : t(
        "오른쪽 위의 ‘개발자 모드’를 켜고, 켠 채로 둡니다. 끄면 확장 프로그램도 꺼집니다.",
        "Turn on “Developer mode” at the top right and leave it on: off, it turns the extension off, too.",
      );
}

function loadUnpacked(name: Browser): string {
  return name === "Chrome"
    ? t("왼쪽 위의 ‘압축해제된 확장 프로그램 로드’를 누릅니다.", "Press “Load unpacked” at the top left.")
    : t("‘압축’으로 시작하는 로드 단추(영어로 ‘Load unpacked’)를 누릅니다.", "Press “Load unpacked”.");
}

function DownloadButton({ isNext }: { isNext: boolean }) {
  return (
    <ButtonLink look={isNext ? "primary" : "plain"} glove wide href="/extension/vooster-extension.zip">
      {t("확장 프로그램 받기", "Get the extension")} (.zip)
    </ButtonLink>
  );
}

export function UpdateSteps() {
  return (
    <section class="card door-card" aria-labelledby="h-update">
      <h2 id="h-update">{t("새 버전으로 바꾸기", "Replace it with the new version")}</h2>
      <DownloadButton isNext />
      <ol class="trust-list">
        <li>
          {t(
            "설치할 때 쓴 폴더에 새 파일의 압축을 풀어 덮어씁니다.",
            "Unzip the new file over the folder that it was installed from.",
          )}
          <Code>{FOLDER}</Code>
        </li>
        <li>
          {t(
            `주소창에 ${PAGES[browser() ?? "Chrome"]} 를 입력하고, Vooster 카드의 둥근 화살표를 누릅니다.`,
            `Type ${PAGES[browser() ?? "Chrome"]} into the address bar and press the round arrow on Vooster's card.`,
          )}
        </li>
        <li>
          {t(
            "이 페이지에서 ‘다시 확인’을 누릅니다. 등록은 그대로 남습니다.",
            "Back on this page press “Check again”. The pairing stays.",
          )}
        </li>
      </ol>
    </section>
  );
}

export function Way({ name, isOpen, children }: { name: string; isOpen?: boolean; children: ComponentChildren }) {
  return (
    <details class="card trust-way" open={isOpen}>
      <summary>{name}</summary>
      <div>{children}</div>
    </details>
  );
}

export function Code({ children }: { children: ComponentChildren }) {
  return (
    <pre class="trust-code">
      <code>{children}</code>
    </pre>
  );
}
