/** How the extension's pages call an address, the way it was found, a monitor. */
import { t } from "../../../src/lib/i18n";
import type { Appliance } from "../../view";

/** Without `http://`, which says nothing; `https://` stays. */
export function addressText(base: string): string {
  return base.replace(/^http:\/\//, "");
}

export function foundBy({ by, host }: Appliance): string {
  switch (by) {
    case "policy":
      return t("시스템 관리자의 설정", "Set by your administrator");
    case "pairing":
      return t("지난 등록", "The last pairing");
    case "name":
      return host ?? "vooster.local";
    case "page":
      return t("Vooster의 등록 페이지", "Vooster's pairing page");
    case "typed":
      return t("직접 입력", "Typed in");
  }
}

/** People count monitors from one. */
export function monitorText(index: number): string {
  return t(`${index + 1}번 모니터`, `monitor ${index + 1}`);
}
