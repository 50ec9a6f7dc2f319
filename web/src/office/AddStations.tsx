/** Stations before their PCs are there: their names typed or pasted, one a line, so that labels can be printed first. */
import { useId, useState } from "preact/hooks";
import { post } from "../lib/api";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";
import { ProblemNotice } from "../ui/Notice";
import { nextScreenId } from "./screenText";
import type { Screen } from "./types";
import { useAction } from "./use";

const MOST = 200;

type AddProps = { screens: Screen[]; onAdded: () => Promise<void> };

export function AddStations({ screens, onAdded }: AddProps) {
  const [text, setText] = useState("");
  const [line, setLine] = useState("");
  const action = useAction();
  const id = useId();
  const names = text
    .split("\n")
    .map((name) => name.trim())
    .filter(Boolean);
  const add = async (): Promise<void> => {
    const groups = line.trim() ? [line.trim()] : [];
    const left = [...names];
    let known = screens;
    try {
      for (const name of names) {
        const screenId = nextScreenId(known);
        const made = await post<Screen>("/api/screens", { screenId, name, groups });
        known = [...known, made];
        left.shift();
      }
    } finally {
      setText(left.join("\n")); // what couldn't be made stays to be corrected
      await onAdded();
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (names.length > 0 && names.length <= MOST) void action.run(add);
  };
  return (
    <form class="add-stations" onSubmit={submit}>
      <div class="field">
        <label for={id}>{t("자리 이름, 한 줄에 하나씩", "Station names, one a line")}</label>
        <textarea
          id={id}
          class="input"
          rows={5}
          value={text}
          spellcheck={false}
          placeholder={t("절단 1\n절단 2\n포장 1", "Cutting 1\nCutting 2\nPacking 1")}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <Field
        label={t("라인", "Line")}
        value={line}
        onValue={setLine}
        maxLength={80}
        autocomplete="off"
        hint={t("없으면 비워 두세요. line-1은 ‘1라인’으로 보입니다.", "May stay empty. line-1 is shown as “Line 1”.")}
      />
      {action.problem && <ProblemNotice problem={action.problem} />}
      <Button
        type="submit"
        look={screens.length === 0 ? "primary" : "plain"}
        busy={action.busy}
        off={
          names.length === 0
            ? t("자리 이름을 적어 주세요", "Type the stations' names")
            : names.length > MOST && t(`한 번에 ${MOST}곳까지입니다`, `At most ${MOST} at a time`)
        }
      >
        {names.length === 0
          ? t("자리 만들기", "Make stations")
          : t(`자리 ${names.length}곳 만들기`, names.length === 1 ? "Make 1 station" : `Make ${names.length} stations`)}
      </Button>
    </form>
  );
}
