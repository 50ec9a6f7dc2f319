/** Which station a new PC is for: those without a PC first, any other by search, or a new one. */
import { useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { lineNames } from "../lib/names";
import { Field } from "../ui/Field";
import { Icon } from "../ui/icons";
import { ScreenPill } from "../ui/states";
import { byId, lineAndId, nameOf, nextScreenId } from "./screenText";
import type { Screen } from "./types";

export type Choice =
  | { kind: "none" }
  | { kind: "old"; screenId: string }
  | { kind: "new"; screenId: string; name: string };

const SHORT_LIST = 3;
const SCREEN_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** The label's own station, else the first without a PC, else a new one where there is none at all. */
export function firstChoice(screens: Screen[], wanted: string | null): Choice {
  if (wanted && screens.some((screen) => screen.screenId === wanted)) return { kind: "old", screenId: wanted };
  if (wanted && SCREEN_ID.test(wanted)) return { kind: "new", screenId: wanted, name: "" };
  const free = screens.filter((screen) => !screen.paired).sort(byId)[0];
  if (free) return { kind: "old", screenId: free.screenId };
  return screens.length === 0 ? { kind: "new", screenId: nextScreenId(screens), name: "" } : { kind: "none" };
}

export function isComplete(choice: Choice, screens: Screen[]): boolean {
  if (choice.kind !== "new") return choice.kind === "old";
  return SCREEN_ID.test(choice.screenId.trim()) && !isTaken(choice.screenId, screens);
}

export function choiceName(choice: Choice, screens: Screen[]): string {
  if (choice.kind === "none") return "";
  if (choice.kind === "new") return choice.name.trim() || choice.screenId.trim();
  const screen = screens.find((one) => one.screenId === choice.screenId);
  return screen ? nameOf(screen) : choice.screenId;
}

function isTaken(screenId: string, screens: Screen[]): boolean {
  return screens.some((screen) => screen.screenId.toLowerCase() === screenId.trim().toLowerCase());
}

/** Without a PC, then offline, then those that are on. */
function byNeed(a: Screen, b: Screen): number {
  const need = (screen: Screen): number => (screen.paired ? (screen.online ? 2 : 1) : 0);
  return need(a) - need(b) || byId(a, b);
}

type PickerProps = { screens: Screen[]; choice: Choice; onChoice: (choice: Choice) => void };

export function StationPicker({ screens, choice, onChoice }: PickerProps) {
  const [all, setAll] = useState(false);
  const [query, setQuery] = useState("");
  const sorted = [...screens].sort(byNeed);
  const likely = sorted.filter((screen) => !screen.online).slice(0, SHORT_LIST);
  const chosen = choice.kind === "old" ? screens.find((screen) => screen.screenId === choice.screenId) : undefined;
  if (chosen && !likely.includes(chosen)) likely.push(chosen);
  const listed = all ? sorted.filter((screen) => matches(screen, query)) : likely;
  const makesNew = choice.kind === "new";
  return (
    <fieldset class="picker">
      <legend>
        <h2>{t("어느 자리의 모니터인가요?", "Which station is it for?")}</h2>
      </legend>
      {all && screens.length > SHORT_LIST && (
        <label class="search">
          <Icon name="find" />
          <span class="vh">{t("자리 찾기", "Find a station")}</span>
          <input
            class="input"
            type="search"
            value={query}
            placeholder={t("자리 이름, 번호, 라인", "Station name, id or line")}
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
        </label>
      )}
      <div class="pick">
        {listed.map((screen) => (
          <Station
            key={screen.screenId}
            screen={screen}
            on={choice.kind === "old" && choice.screenId === screen.screenId}
            onPick={() => onChoice({ kind: "old", screenId: screen.screenId })}
          />
        ))}
        {all && listed.length === 0 && <p class="quiet small">{t("맞는 자리가 없습니다.", "No station matches.")}</p>}
        <label class={makesNew ? "on" : ""}>
          <input
            type="radio"
            name="station"
            checked={makesNew}
            onChange={() => onChoice({ kind: "new", screenId: nextScreenId(screens), name: "" })}
          />
          <b>
            {t("새 자리", "A new station")}
            <small>{t("번호와 이름을 정합니다", "Give it an id and a name")}</small>
          </b>
          <Icon name="plus" />
        </label>
        {choice.kind === "new" && <NewStation choice={choice} screens={screens} onChoice={onChoice} />}
        {!all && screens.length > likely.length && (
          <button type="button" class="pick-more" onClick={() => setAll(true)}>
            <Icon name="find" />
            <b>
              {t("다른 자리", "Another station")}
              <small>{t(`모두 ${screens.length}곳에서 찾습니다`, `Find it among all ${screens.length}`)}</small>
            </b>
          </button>
        )}
      </div>
    </fieldset>
  );
}

function Station({ screen, on, onPick }: { screen: Screen; on: boolean; onPick: () => void }) {
  return (
    <label class={on ? "on" : ""}>
      <input type="radio" name="station" checked={on} onChange={onPick} />
      <b>
        {nameOf(screen)}
        <small>
          {[...lineNames(screen.groups), screen.screenId].map((part, index) => (
            <span key={part}>
              {index > 0 && " · "}
              <span class="nowrap">{part}</span>
            </span>
          ))}
          {screen.paired && t(" · 이 PC로 바꿉니다", " · moves to this PC")}
        </small>
      </b>
      <ScreenPill state={screen.state} />
    </label>
  );
}

type NewProps = { choice: Choice & { kind: "new" }; screens: Screen[]; onChoice: (choice: Choice) => void };

function NewStation({ choice, screens, onChoice }: NewProps) {
  const id = choice.screenId.trim();
  const why = isTaken(id, screens)
    ? t("이미 있는 번호입니다.", "This id is taken.")
    : id && !SCREEN_ID.test(id)
      ? t("영문자, 숫자, . _ - 만 쓸 수 있습니다.", "Only letters, digits and . _ - can be used.")
      : null;
  return (
    <div class="pick-new">
      <Field
        label={t("자리 이름", "Station name")}
        value={choice.name}
        onValue={(name) => onChoice({ ...choice, name })}
        placeholder={t("예: 절단 1", "For example: Cutting 1")}
        maxLength={80}
        autocomplete="off"
      />
      <Field
        label={t("모니터 번호", "Screen id")}
        value={choice.screenId}
        onValue={(screenId) => onChoice({ ...choice, screenId })}
        maxLength={64}
        autocomplete="off"
        code
        why={why}
      />
    </div>
  );
}

function matches(screen: Screen, query: string): boolean {
  return `${nameOf(screen)}\n${lineAndId(screen)}\n${screen.groups.join(" ")}`
    .toLowerCase()
    .includes(query.trim().toLowerCase());
}
