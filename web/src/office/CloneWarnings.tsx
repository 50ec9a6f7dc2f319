/** A row for each screen whose key two PCs use, with the one thing to do about it. */
import { useState } from "preact/hooks";
import { stamp, when } from "../lib/format";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Notice } from "../ui/Notice";
import { offReason } from "./Frame";
import { ScreenDialog } from "./ScreenDialog";
import { cloneOf, cloneText } from "./screenText";
import { may } from "./session";
import type { Screen } from "./types";

type WarningsProps = { screens: Screen[]; onChanged: () => Promise<void> };

export function CloneWarnings({ screens, onChanged }: WarningsProps) {
  const [asking, setAsking] = useState<Screen | null>(null);
  return (
    <>
      {screens.filter(cloneOf).map((screen) => (
        <div key={screen.screenId} class="clone">
          <Notice
            tone="warn"
            end={
              may("supervisor") && (
                <Button off={offReason()} onClick={() => setAsking(screen)}>
                  {t("둘 다 해제하고 다시 등록", "Unpair both")}
                </Button>
              )
            }
          >
            <b>{cloneText(screen)}</b> <CloneFacts screen={screen} />
            <small class="notice-code">
              <code>SCREEN_CLONED</code>
            </small>
          </Notice>
        </div>
      ))}
      {asking && (
        <ScreenDialog
          deed="unclone"
          screen={asking}
          onClose={() => setAsking(null)}
          onDone={() => {
            setAsking(null);
            void onChanged();
          }}
        />
      )}
    </>
  );
}

/** Where the two PCs are, as far as it is known, and when the second one was noticed. */
function CloneFacts({ screen }: { screen: Screen }) {
  const warning = cloneOf(screen);
  if (!warning) return null;
  const addresses = [...new Set([screen.client?.address, warning.address].filter(Boolean))].join(", ");
  const where = addresses && ` (${addresses})`;
  return (
    <>
      {t(`PC를 통째로 복사했을 수 있습니다${where}.`, `One PC may be a copy of the other${where}.`)}{" "}
      <time dateTime={new Date(warning.at).toISOString()} title={stamp(warning.at)}>
        {when(warning.at)}
      </time>
    </>
  );
}
