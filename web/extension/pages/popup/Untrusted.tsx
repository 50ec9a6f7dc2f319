/** What looks like no server at all, and is one: its certificate is none that this PC trusts. */
import { t } from "../../../src/lib/i18n";
import { Button } from "../../../src/ui/Button";
import { Notice } from "../../../src/ui/Notice";
import type { View } from "../../view";

/** Where to install it, if that is what is missing. */
export function Untrusted({ told }: { told: View }) {
  const [base] = told.untrusted;
  if (!base) return null;
  return (
    <Notice tone="warn">
      {t(
        "서버가 있지만 이 PC가 그 인증서를 믿지 않습니다. 이 주소를 열어 설치하세요: ",
        "There is a server, but this PC doesn't trust its certificate. Open this address to install it: ",
      )}
      <Button look="bare" wide onClick={() => window.open(`${base}/trust`)}>
        <span class="code">{base}/trust</span>
      </Button>
      {told.byPolicy &&
        t("설치할 수 없으면 시스템 관리자에게 알려 주세요.", "If you can't install it, tell your administrator.")}
    </Notice>
  );
}
