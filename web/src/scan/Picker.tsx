/** Which monitor the work order goes to. */
import { useEffect } from "preact/hooks";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { ProblemNotice } from "../ui/Notice";
import { ScreenPill } from "../ui/states";
import { type Station, type Stations, saidName } from "./stations";

type PickerProps = { stations: Stations; onClose: () => void };

export function Picker({ stations, onClose }: PickerProps) {
  const list = stations.list.value;
  const problem = stations.problem.value;
  useEffect(() => {
    void stations.load();
    const close = (event: KeyboardEvent): void => {
      if (event.key === "Escape") onClose();
    };
    document.addEventListener("keydown", close);
    return () => document.removeEventListener("keydown", close);
  }, []);
  const choose = (station: Station): void => {
    stations.choose(station);
    onClose();
  };
  return (
    <section class="picker card" aria-label={t("띄울 모니터", "Show it on")}>
      <header>
        <h2>{t("어느 모니터에 띄울까요?", "Which screen shows it?")}</h2>
        <Button glove icon="close" label={t("닫기", "Close")} onClick={onClose} />
      </header>
      {problem && <ProblemNotice problem={problem} onRetry={() => void stations.load()} />}
      {list?.length === 0 && (
        <p class="quiet">
          {t("아직 모니터가 없습니다. 관리자에게 알려 주세요.", "No screens yet. Tell your supervisor.")}
        </p>
      )}
      <ul>
        {list?.map((station) => (
          <li key={station.screenId}>
            <button
              type="button"
              class="station-choice"
              aria-pressed={station.screenId === stations.chosen.value?.screenId}
              onClick={() => choose(station)}
            >
              <Icon name={station.screenId === stations.chosen.value?.screenId ? "check" : "ready"} />
              <span>
                <b>{saidName(station)}</b>
                {station.name !== station.screenId && <small>{station.screenId}</small>}
              </span>
              <ScreenPill state={station.state} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
