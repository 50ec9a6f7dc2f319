/** Nothing for 300 ms, then grey shapes of what is coming, after 5 s a word and a way to try again. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { Button } from "./Button";

type LoadingProps = { rows?: number; onRetry?: () => void };

export function Loading({ rows = 4, onRetry }: LoadingProps) {
  const [phase, setPhase] = useState(0);
  useEffect(() => {
    const timers = [setTimeout(() => setPhase(1), 300), setTimeout(() => setPhase(2), 5000)];
    return () => timers.forEach(clearTimeout);
  }, []);
  if (phase === 0) return null;
  return (
    <div class="loading" role="status" aria-busy="true">
      <span class="vh">{t("불러오는 중", "Loading")}</span>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} class="skeleton" />
      ))}
      {phase === 2 && (
        <p class="loading-late">
          {t("오래 걸리고 있습니다", "Taking longer than usual")}
          {onRetry && (
            <Button icon="repeat" onClick={onRetry}>
              {t("다시 시도", "Try again")}
            </Button>
          )}
        </p>
      )}
    </div>
  );
}
