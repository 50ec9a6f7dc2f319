/** The floor in miniature: one small monitor a screen, line by line. Where all is well it is nearly colourless. */
import { t } from "../lib/i18n";
import { lineName } from "../lib/names";
import { Icon, type IconName } from "../ui/icons";
import { SCREEN, type ScreenState } from "../ui/states";
import { byId, nameOf } from "./screenText";
import type { Screen } from "./types";

const STATES: ScreenState[] = ["showing", "ready", "problem", "offline", "unpaired"];
const MARKS: Partial<Record<ScreenState, IconName>> = { problem: "problem", offline: "offline" };

function stateOf(screen: Screen): ScreenState {
  return screen.state === "revoked" ? "unpaired" : screen.state;
}

export function FloorMap({ screens }: { screens: Screen[] }) {
  const rows = new Map<string, Screen[]>();
  for (const screen of [...screens].sort(byId)) {
    const group = screen.groups[0] ?? "";
    rows.set(group, [...(rows.get(group) ?? []), screen]);
  }
  const counts = STATES.map((state) => [state, screens.filter((screen) => stateOf(screen) === state).length] as const);
  const known = counts.filter(([, number]) => number > 0);
  const say = known.map(([state, number]) => `${t(SCREEN[state].text.ko, SCREEN[state].text.en)} ${number}`).join(", ");
  const named = [...rows.keys()].sort((a, b) =>
    a === "" ? 1 : b === "" ? -1 : a.localeCompare(b, undefined, { numeric: true }),
  );
  return (
    <section class="card floor-card" aria-labelledby="h-floor">
      <div class="card-head">
        <h2 id="h-floor">{t("현장", "Floor")}</h2>
        <a class="end small" href="/screens">
          {t("모니터 목록", "All screens")}
        </a>
      </div>
      <div class="mm-wrap">
        {screens.length === 0 && (
          <p class="quiet">{t("등록하면 여기에 나타납니다.", "Screens appear here once paired.")}</p>
        )}
        <div class="mm-map">
          {named.map((group) => (
            <div class="mm-row" key={group}>
              {(named.length > 1 || group) && (
                <span class="mm-l">{group ? lineName(group) : t("라인 없음", "No line")}</span>
              )}
              <ul class="mm-cells">
                {rows.get(group)?.map((screen) => {
                  const mark = MARKS[stateOf(screen)];
                  const text = `${nameOf(screen)}: ${t(SCREEN[screen.state].text.ko, SCREEN[screen.state].text.en)}`;
                  return (
                    <li key={screen.screenId} class={`mm mm-${stateOf(screen)}`} title={text}>
                      {mark && <Icon name={mark} />}
                      <span class="vh">{text}</span>
                    </li>
                  );
                })}
              </ul>
            </div>
          ))}
        </div>
        <div class="mm-key">
          <span class="vh">{say}</span>
          {known.map(([state, number]) => (
            <span key={state} aria-hidden="true">
              <i class={`mm mm-${state}`} />
              {t(SCREEN[state].text.ko, SCREEN[state].text.en)} {number}
            </span>
          ))}
        </div>
      </div>
    </section>
  );
}
