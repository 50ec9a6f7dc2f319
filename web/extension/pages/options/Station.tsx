/** What this PC is, and how it ceases to be that. */
import { useState } from "preact/hooks";
import { t } from "../../../src/lib/i18n";
import { lineNames } from "../../../src/lib/names";
import { Button, ButtonLink } from "../../../src/ui/Button";
import { Dialog } from "../../../src/ui/Dialog";
import { Notice } from "../../../src/ui/Notice";
import { tell } from "../../port";
import type { View } from "../../view";
import { Facts } from "../parts/Facts";

export function Station({ told }: { told: View }) {
  const [isAsking, setAsking] = useState(false);
  const { place } = told;
  const isPaired = told.phase.kind === "paired" || place !== null;
  const name = place?.name ?? t("이 자리", "this station");
  return (
    <section class="card" aria-labelledby="station">
      <div class="card-head">
        <h2 id="station">{t("이 자리", "This station")}</h2>
      </div>
      <div class="card-body">
        {place && (
          <Facts
            facts={[
              { name: t("자리", "Station"), value: place.name },
              { name: t("번호", "Screen"), value: place.screenId, code: true },
              place.groups.length > 0 && { name: t("라인", "Line"), value: lineNames(place.groups).join(", ") },
            ]}
          />
        )}
        {isPaired ? (
          <Button look="danger" icon="unlink" busy={told.doing === "unpair"} onClick={() => setAsking(true)}>
            {t("등록 해제", "Unpair")}
          </Button>
        ) : (
          <>
            <Notice icon="unpaired">{t("아직 등록되지 않았습니다.", "This PC isn't paired yet.")}</Notice>
            <ButtonLink href="/popup.html">{t("연결 화면 열기", "Open the connection page")}</ButtonLink>
          </>
        )}
      </div>
      {isAsking && (
        <Dialog
          title={t(`${name}의 등록을 해제할까요?`, `Unpair ${name}?`)}
          onClose={() => setAsking(false)}
          foot={
            <>
              <Button onClick={() => setAsking(false)}>{t("취소", "Cancel")}</Button>
              <Button
                look="danger"
                onClick={() => {
                  setAsking(false);
                  tell({ do: "unpair" });
                }}
              >
                {t("등록 해제", "Unpair")}
              </Button>
            </>
          }
        >
          <p>
            {t(
              "이 PC는 제작의뢰서를 더 이상 띄우지 않고, 지금 보이는 것도 치웁니다.",
              "This PC stops showing work orders, and puts away the one it shows now.",
            )}
          </p>
          <p class="quiet">
            {t(
              "이 자리로 온 스캔은 서버에서 기다립니다. 다시 쓰려면 관리자가 휴대폰으로 새로 승인해야 합니다.",
              "Scans for the station wait on the server. To use it again, a supervisor has to approve it with a phone.",
            )}
          </p>
        </Dialog>
      )}
    </section>
  );
}
