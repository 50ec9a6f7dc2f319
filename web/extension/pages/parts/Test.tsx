/** The test page: it tries the monitor, and the result stands beside its button. */
import { short, when } from "../../../src/lib/format";
import { t } from "../../../src/lib/i18n";
import { Button } from "../../../src/ui/Button";
import { Notice } from "../../../src/ui/Notice";
import { tell } from "../../port";
import type { View } from "../../view";
import { monitorText } from "./words";

/** As long as the popup tells of it. */
const TOLD_MS = 20_000;

export function TestButton({ told, wide }: { told: View; wide?: boolean }) {
  const isThere = told.monitors.some(({ index }) => index === told.target);
  return (
    <Button
      icon="document"
      wide={wide}
      busy={told.doing === "test"}
      off={!isThere && t(`${monitorText(told.target)}가 보이지 않습니다`, `There is no ${monitorText(told.target)}`)}
      onClick={() => tell({ do: "test" })}
    >
      {t("시험 문서 띄우기", "Show a test page")}
    </Button>
  );
}

/** `isLasting` keeps the last one in view. */
export function TestResult({ told, now, isLasting }: { told: View; now: number; isLasting?: boolean }) {
  const { tested } = told;
  const isTold = tested && (isLasting || now - tested.at < TOLD_MS);
  return (
    <div role="status">
      {isTold && (
        <Notice tone="ok">
          {t(
            `${monitorText(tested.index)}에 표시됨, ${short(tested.tookMs)}`,
            `Shown on ${monitorText(tested.index)}, ${short(tested.tookMs)}`,
          )}
          {isLasting && <small class="notice-code">{when(tested.at)}</small>}
        </Notice>
      )}
    </div>
  );
}
