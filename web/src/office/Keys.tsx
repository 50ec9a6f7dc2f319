/** Keyboard: `?` this list, `/` search, `g` then a letter to go. Off while typing, and can be turned off. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { recall, remember } from "../lib/storage";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { go } from "./router";

const KEY = "vooster.keys";
const PLACES: Record<string, string> = { KeyN: "/", KeyU: "/dead-letters", KeyM: "/screens" };
const CHORD_MS = 1500;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, dialog") !== null;
}

/** Focus to the row after or before the one that has it. */
function moveRow(step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))]?.focus();
}

export function Keys() {
  const [open, setOpen] = useState(false);
  const [on, setOn] = useState(recall(KEY) !== "off");
  useEffect(() => {
    if (!on) return undefined;
    let chord = 0;
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      // By position, so that a Korean input method changes nothing.
      const to = PLACES[event.code];
      if (event.key === "?" || (event.code === "Slash" && event.shiftKey)) setOpen(true);
      else if (event.code === "Slash") {
        const field = document.querySelector<HTMLElement>("[data-search]");
        if (!field) return;
        event.preventDefault();
        field.focus();
      } else if (event.code === "KeyG") chord = event.timeStamp;
      else if (to && event.timeStamp - chord < CHORD_MS) go(to);
      else if (event.code === "KeyJ") moveRow(1);
      else if (event.code === "KeyK") moveRow(-1);
      else
        document.activeElement?.closest("[data-row]")?.querySelector<HTMLElement>(`[data-key=${event.code}]`)?.click();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [on]);
  if (!open) return null;
  const turnOff = (): void => {
    remember(KEY, "off");
    setOn(false);
    setOpen(false);
  };
  const rows: [string, string][] = [
    ["g n", t("지금", "Now")],
    ["g u", t("미전달", "Undelivered")],
    ["g m", t("모니터", "Screens")],
    ["/", t("찾기", "Search")],
    ["j k", t("다음 줄, 이전 줄", "Next row, previous row")],
    ["i", t("이 줄의 모니터 찾기", "Identify this row's screen")],
    ["r", t("이 줄 다시 보내기", "Send this row again")],
    ["Esc", t("닫기", "Close")],
    ["?", t("이 목록", "This list")],
  ];
  return (
    <Dialog
      title={t("단축키", "Keys")}
      onClose={() => setOpen(false)}
      foot={
        <>
          <Button look="bare" onClick={turnOff}>
            {t("이 브라우저에서 끄기", "Turn off in this browser")}
          </Button>
          <Button look="primary" onClick={() => setOpen(false)}>
            {t("닫기", "Close")}
          </Button>
        </>
      }
    >
      <dl class="keys">
        {rows.map(([keys, text]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
