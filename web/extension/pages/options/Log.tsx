/** What happened lately, in words, the newest first; to be read over the phone, or copied for whoever helps. */
import { useState } from "preact/hooks";
import { stamp, when } from "../../../src/lib/format";
import { pick, t } from "../../../src/lib/i18n";
import { Button } from "../../../src/ui/Button";
import type { View } from "../../view";

const COPIED_MS = 3_000;

export function Log({ told }: { told: View }) {
  const entries = told.log.toReversed();
  return (
    <section class="card" aria-labelledby="log">
      <div class="card-head">
        <h2 id="log">{t("기록", "Log")}</h2>
        {entries.length > 0 && <Copy told={told} />}
      </div>
      <div class="card-body">
        {entries.length === 0 ? (
          <p class="quiet">
            {t(
              "아직 기록이 없습니다. 제작의뢰서를 띄우거나 연결이 바뀌면 여기에 남습니다.",
              "Nothing yet. Work orders shown and changes of the connection are kept here.",
            )}
          </p>
        ) : (
          <ol class="log">
            {entries.map(({ at, text }, index) => (
              <li key={`${at}-${entries.length - index}`}>
                <time dateTime={new Date(at).toISOString()} title={stamp(at)}>
                  {when(at)}
                </time>
                <span>{pick(text)}</span>
              </li>
            ))}
          </ol>
        )}
      </div>
    </section>
  );
}

function Copy({ told }: { told: View }) {
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    const { place, appliance, version } = told;
    const head = [`Vooster ${version}`, place?.screenId, place?.name, appliance?.base].filter(Boolean).join(" · ");
    const lines = told.log.toReversed().map(({ at, text }) => `${stamp(at)}  ${pick(text)}`);
    await navigator.clipboard.writeText([head, ...lines, ""].join("\n"));
    setDone(true);
    setTimeout(() => setDone(false), COPIED_MS);
  };
  return (
    <span class="end">
      <Button look="bare" icon={isDone ? "check" : undefined} onClick={() => void copy()}>
        {isDone ? t("복사함", "Copied") : t("복사", "Copy")}
      </Button>
    </span>
  );
}
