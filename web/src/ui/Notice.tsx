/** Something to know in its place on the page; for a problem: what happened, what to do, the code small. */
import type { ComponentChildren } from "preact";
import { actionOf, messageOf, type Problem } from "../lib/errors";
import { t } from "../lib/i18n";
import { Button } from "./Button";
import { Icon, type IconName } from "./icons";

type Tone = "flow" | "warn" | "bad" | "ok";
const ICONS: Record<Tone, IconName> = { flow: "info", warn: "problem", bad: "dead", ok: "shown" };

type NoticeProps = { tone?: Tone; icon?: IconName; children: ComponentChildren; end?: ComponentChildren };

export function Notice({ tone = "flow", icon, children, end }: NoticeProps) {
  return (
    <div class={`notice is-${tone}`}>
      <Icon name={icon ?? ICONS[tone]} />
      <div class="notice-body">{children}</div>
      {end}
    </div>
  );
}

type ProblemProps = { problem: Problem; onRetry?: () => void };

/** Beside the thing that failed; `onRetry` adds the button. */
export function ProblemNotice({ problem, onRetry }: ProblemProps) {
  return (
    <div role="status">
      <Notice
        tone={problem.tone === "final" ? "bad" : problem.tone === "waiting" ? "flow" : "warn"}
        end={
          onRetry && (
            <Button icon="repeat" onClick={onRetry}>
              {t("다시 시도", "Try again")}
            </Button>
          )
        }
      >
        <b>{messageOf(problem)}</b> {actionOf(problem)}
        <small class="notice-code">
          <code>{problem.code}</code>
          {problem.traceId && <code>{problem.traceId}</code>}
        </small>
      </Notice>
    </div>
  );
}
