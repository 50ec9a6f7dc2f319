/** Where the appliance is and how it was found; locked where IT has said so. */
import { t } from "../../../src/lib/i18n";
import { Notice } from "../../../src/ui/Notice";
import type { View } from "../../view";
import { Facts } from "../parts/Facts";
import { addressText, foundBy } from "../parts/words";

export function Server({ told }: { told: View }) {
  const { appliance, byPolicy } = told;
  return (
    <section class="card" aria-labelledby="server">
      <div class="card-head">
        <h2 id="server">{t("서버", "Server")}</h2>
      </div>
      <div class="card-body">
        {appliance ? (
          <Facts
            facts={[
              { name: t("공장", "Plant"), value: appliance.name },
              { name: t("주소", "Address"), value: addressText(appliance.base), code: true },
              { name: t("찾은 방법", "Found by"), value: foundBy(appliance), code: appliance.by === "name" },
              appliance.host !== null &&
                appliance.by !== "name" && { name: t("이름", "Name"), value: appliance.host, code: true },
            ]}
          />
        ) : (
          <p class="quiet">{t("아직 찾지 못했습니다.", "Not found yet.")}</p>
        )}
        {byPolicy && (
          <Notice icon="lock">
            {t(
              "주소는 시스템 관리자가 정해 두어 여기서 바꿀 수 없습니다.",
              "Your administrator has set the address. It can't be changed here.",
            )}
          </Notice>
        )}
      </div>
    </section>
  );
}
