/** Where work orders appear: the monitors to press, and a test of the one chosen. */
import { t } from "../../../src/lib/i18n";
import { tell } from "../../port";
import type { View } from "../../view";
import { MissingNotice, Monitors } from "../parts/Monitors";
import { TestButton, TestResult } from "../parts/Test";

const PICTURE = 220;

function choose({ id }: View["monitors"][number]): void {
  tell({ do: "choose", monitor: id });
}

export function MonitorCard({ told, now }: { told: View; now: number }) {
  const { monitors, target } = told;
  // Monitors change places, so that there have to be two.
  const mayChoose = monitors.length > 1 && monitors.some(({ index }) => index === target);
  return (
    <section class="card" aria-labelledby="monitor">
      <div class="card-head">
        <h2 id="monitor">{t("제작의뢰서를 띄울 모니터", "Monitor for work orders")}</h2>
      </div>
      <div class="card-body">
        <p class="quiet">
          {mayChoose
            ? t("그림에서 모니터를 눌러 골라 주세요.", "Press the one to use in the picture.")
            : t(`지금 보이는 모니터: ${monitors.length}대`, `Monitors seen now: ${monitors.length}`)}
        </p>
        <MissingNotice told={told} />
        <Monitors told={told} most={PICTURE} onChoose={mayChoose ? choose : undefined} />
        <div class="row">
          <TestButton told={told} />
          <TestResult told={told} now={now} isLasting />
        </div>
      </div>
    </section>
  );
}
