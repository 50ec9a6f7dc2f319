/** Whether the certificate that the monitor's QR names is the one of the appliance this phone has reached. */
import { t } from "../lib/i18n";
import { Notice } from "../ui/Notice";
import type { Trust } from "./types";
import { useResource } from "./use";

const SHOWN = 14; // three groups

export function CertificateCheck({ seen }: { seen: string }) {
  const { data } = useResource<Trust>("/trust/about.json");
  const known = data && (data.ca ?? data.server);
  if (known && known.sha256 !== seen) {
    return (
      <Notice tone="warn">
        <b>{t("모니터의 QR과 인증서가 다릅니다.", "The screen's code names another certificate.")}</b>{" "}
        {t(
          "이 휴대폰이 다른 서버에 연결되었을 수 있습니다. 승인하지 말고 시스템 관리자에게 알려 주세요.",
          "This phone may have reached another server. Don't approve; tell your administrator.",
        )}
      </Notice>
    );
  }
  return (
    <p class="small quiet certcheck">
      {t("인증서 지문", "Certificate fingerprint")} <code>{seen.slice(0, SHOWN)} …</code>{" "}
      <a href="/trust">{t("비교하기", "Compare")}</a>
    </p>
  );
}
