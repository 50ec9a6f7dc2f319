/** Where to look when the server can't be reached. */
import { t } from "../../../src/lib/i18n";
import { Icon } from "../../../src/ui/icons";

/** `isRefused`: its PC answers, the program doesn't. */
export function Hints({ isRefused = false }: { isRefused?: boolean }) {
  return (
    <ul class="hints small">
      <li class="notice">
        <Icon name={isRefused ? "ready" : "unlink"} />
        <span>
          {isRefused
            ? t(
                "Vooster가 설치된 PC가 켜져 있고 프로그램이 실행 중인지 봐 주세요",
                "See that the PC with Vooster is on and the program is running",
              )
            : t("이 PC의 랜선이 꽂혀 있는지 봐 주세요", "Check this PC's network cable")}
        </span>
      </li>
      <li class="notice">
        <Icon name="info" />
        <span>
          {t("다른 자리도 끊겼으면 관리자에게 알려 주세요", "If other stations are off too, tell your supervisor")}
        </span>
      </li>
    </ul>
  );
}
