/** What the row menu of a screen asks before it does something. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { del, patch, post } from "../lib/api";
import { t } from "../lib/i18n";
import { orderName } from "../lib/names";
import { withParticle } from "../lib/particles";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Field } from "../ui/Field";
import { ProblemNotice } from "../ui/Notice";
import { displayName, nameOf, sizeOf } from "./screenText";
import type { Screen } from "./types";
import { useAction } from "./use";

export type Deed = "rename" | "lines" | "display" | "clear" | "revoke" | "unclone" | "delete";

type DialogProps = { deed: Deed; screen: Screen; onClose: () => void; onDone: () => void };

export function ScreenDialog({ deed, screen, onClose, onDone }: DialogProps) {
  const action = useAction();
  const [name, setName] = useState(screen.name);
  const [lines, setLines] = useState([...new Set(screen.groups)].join(", "));
  const [index, setIndex] = useState(screen.displayIndex);
  const path = `/api/screens/${encodeURIComponent(screen.screenId)}`;
  const label = nameOf(screen);
  const shown = screen.currentDocument ? orderName(screen.currentDocument) : "";
  const groups = [...new Set(lines.split(",").map((group) => group.trim()))].filter(Boolean);
  const forms: Record<Deed, { title: string; body: ComponentChildren; button: string; deed: () => Promise<unknown> }> =
    {
      rename: {
        title: t("이름 바꾸기", "Rename"),
        body: <Field label={t("자리 이름", "Station name")} value={name} onValue={setName} maxLength={80} />,
        button: t("저장", "Save"),
        deed: () => patch(path, { name: name.trim() }),
      },
      lines: {
        title: t("라인", "Lines"),
        body: (
          <Field
            label={t("라인 이름", "Line names")}
            value={lines}
            onValue={setLines}
            hint={t(
              "쉼표로 나누어 여러 개 쓸 수 있습니다. line-1은 ‘1라인’으로 보입니다.",
              "Several, with commas between. line-1 is shown as “Line 1”.",
            )}
          />
        ),
        button: t("저장", "Save"),
        deed: () => patch(path, { groups }),
      },
      display: {
        title: t("화면 번호", "Display number"),
        body: <DisplayChoice screen={screen} index={index} onIndex={setIndex} />,
        button: t("저장", "Save"),
        deed: () => patch(path, { displayIndex: index }),
      },
      clear: {
        title: t(`${label} 화면을 비울까요?`, `Put away what ${label} shows?`),
        body: (
          <p class="quiet">
            {t(
              `떠 있는 ${withParticle(shown, "을/를")} 치우고 ‘준비됨’으로 돌아갑니다.`,
              `${shown} goes away and the screen says “Ready”.`,
            )}
          </p>
        ),
        button: t("비우기", "Put it away"),
        deed: () => post(`${path}/clear`),
      },
      revoke: {
        title: t(`${withParticle(label, "을/를")} 등록 해제할까요?`, `Unpair ${label}?`),
        body: (
          <p class="quiet">
            {t(
              "이 PC는 더 이상 제작의뢰서를 받지 못하고 등록 화면으로 돌아갑니다. 기다리는 스캔은 남아 있다가, 다시 등록하면 나타납니다.",
              "Its PC gets no more work orders and goes back to the pairing page. Waiting scans are kept and appear once it is paired again.",
            )}
          </p>
        ),
        button: t("등록 해제", "Unpair"),
        deed: () => post(`${path}/revoke`),
      },
      unclone: {
        title: t(`${label}의 두 PC를 모두 해제할까요?`, `Unpair both of ${label}'s PCs?`),
        body: (
          <p class="quiet">
            {t(
              "두 PC 모두 등록 화면으로 돌아갑니다. 그 자리에 있는 PC만 다시 등록해 주세요. 기다리는 스캔은 남아 있다가, 다시 등록하면 나타납니다.",
              "Both go back to the pairing page. Pair only the one that stands at the station. Waiting scans are kept and appear once it is paired again.",
            )}
          </p>
        ),
        button: t("둘 다 해제", "Unpair both"),
        deed: () => post(`${path}/revoke`),
      },
      delete: {
        title: t(`${withParticle(label, "을/를")} 삭제할까요?`, `Delete ${label}?`),
        body: (
          <p class="quiet">
            {t(
              "자리와 등록이 지워지고, 기다리던 스캔은 미전달로 옮겨집니다. 되돌릴 수 없습니다.",
              "The station and its pairing are removed, and scans waiting for it become undelivered. This can't be undone.",
            )}
          </p>
        ),
        button: t("삭제", "Delete"),
        deed: () => del(path),
      },
    };
  const form = forms[deed];
  const submit = (event: Event): void => {
    event.preventDefault();
    void action
      .run(async () => void (await form.deed()))
      .then((done) => {
        if (done) onDone();
      });
  };
  return (
    <Dialog title={form.title} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {form.body}
        {action.problem && <ProblemNotice problem={action.problem} />}
        <div class="dialog-foot">
          <Button onClick={onClose}>{t("그만두기", "Cancel")}</Button>
          <Button
            type="submit"
            look={deed === "revoke" || deed === "delete" ? "danger" : "primary"}
            busy={action.busy}
            off={deed === "rename" && !name.trim() ? t("이름을 입력해 주세요", "Type a name") : false}
          >
            {form.button}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function DisplayChoice({
  screen,
  index,
  onIndex,
}: {
  screen: Screen;
  index: number;
  onIndex: (index: number) => void;
}) {
  const most = Math.max(3, screen.displayIndex, ...screen.displays.map((display) => display.index));
  return (
    <div class="field">
      <label for="display-index">{t("제작의뢰서를 띄울 화면", "Display for the work orders")}</label>
      <select
        id="display-index"
        class="input"
        value={index}
        onChange={(event) => onIndex(Number(event.currentTarget.value))}
      >
        {Array.from({ length: most + 1 }, (_, at) => {
          const size = sizeOf(screen.displays.find((display) => display.index === at));
          return (
            <option key={at} value={at}>
              {size ? `${displayName(at)} (${size})` : displayName(at)}
            </option>
          );
        })}
      </select>
      <p class="hint">
        {t(
          "두 번째 모니터는 보통 화면 2입니다. 어느 것인지 모르면 ‘찾기’를 눌러 보세요.",
          "The second monitor usually is display 2. Not sure which? Press Identify.",
        )}
      </p>
    </div>
  );
}
