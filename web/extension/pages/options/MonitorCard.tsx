/** Where work orders appear: the monitors to press, and a test of the one chosen. */
import { problemOf } from "../../../src/lib/errors";
import { t } from "../../../src/lib/i18n";
import { ProblemNotice } from "../../../src/ui/Notice";
import { tell } from "../../port";
import type { View } from "../../view";
import { Monitors } from "../parts/Monitors";
import { TestButton, TestResult } from "../parts/Test";

const PICTURE = 220;

export function MonitorCard({ told, now }: { told: View; now: number }) {
  const { monitors, target } = told;
  const isMissing = !monitors.some(({ index }) => index === target);
  const isOnly = monitors.length === 1 && !isMissing;
  return (
    <section class="card" aria-labelledby="monitor">
      <div class="card-head">
        <h2 id="monitor">{t("제작의뢰서를 띄울 모니터", "Monitor for work orders")}</h2>
      </div>
      <div class="card-body">
        <p class="quiet">
          {isOnly
            ? t("모니터가 1대입니다.", "There is one monitor.")
            : t("그림에서 모니터를 눌러 골라 주세요.", "Press the one to use in the picture.")}
        </p>
        {isMissing && <ProblemNotice problem={problemOf("DISPLAY_NOT_AVAILABLE", { n: monitors.length })} />}
        <Monitors told={told} most={PICTURE} onChoose={({ id }) => tell({ do: "choose", monitor: id })} />
        <div class="row">
          <TestButton told={told} />
          <TestResult told={told} now={now} isLasting />
        </div>
      </div>
    </section>
  );
}
