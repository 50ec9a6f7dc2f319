/** The one field. It reads the keys' places wherever the focus is, and takes pasted and typed text too. */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { BarcodeReader, characterOf } from "./keyboard";

const LEAK_MS = 150;

type FieldProps = {
  onScan: (text: string, hangul: boolean) => void;
  /** Enter or Escape while nothing is typed. */
  onAnswer: (yes: boolean) => void;
};

export function Field({ onScan, onAnswer }: FieldProps) {
  const input = useRef<HTMLInputElement>(null);
  const [reader] = useState(() => new BarcodeReader());
  const [text, setText] = useState("");
  const [typing, setTyping] = useState(false);
  const listening = useListening(input);
  /** When a key was last read by its place: what an input method makes of it right after is not text. */
  const byPlaceAt = useRef(Number.NEGATIVE_INFINITY);

  const finish = (value: string, hangul: boolean): void => {
    reader.set("");
    setText("");
    setTyping(false);
    if (value.trim() !== "") onScan(value.trim(), hangul);
  };

  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const onControl =
        event.target !== input.current && event.target instanceof HTMLElement && isControl(event.target);
      if (typing && !onControl) {
        if (event.key === "Enter" && !event.isComposing) finish(reader.value, false);
        if (event.key === "Escape") finish("", false);
        return;
      }
      const empty = reader.value === "";
      if (empty && (event.key === "Escape" || (event.key === "Enter" && !onControl))) {
        onAnswer(event.key === "Enter");
        return;
      }
      if (empty && (event.key === "Tab" || (onControl && (event.key === "Enter" || event.code === "Space")))) return;
      const reading = reader.press(pressOf(event), event.timeStamp);
      if (reading.kind === "nothing") return;
      event.preventDefault();
      if (characterOf(pressOf(event))) byPlaceAt.current = event.timeStamp;
      input.current?.focus();
      if (reading.kind === "ended") finish(reading.text, reading.hangul);
      else setText(reading.text);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });

  const changed = (event: Event): void => {
    const field = event.currentTarget as HTMLInputElement;
    const leaked = !typing && event.timeStamp - byPlaceAt.current < LEAK_MS;
    if (leaked && (event as InputEvent).inputType !== "insertFromPaste") field.value = reader.value;
    else reader.set(field.value);
    setText(reader.value);
  };

  return (
    <div class={`shoot ${listening ? "" : "is-deaf"}`}>
      <Icon name={listening ? "scan" : "info"} />
      <input
        ref={input}
        class="shoot-field"
        value={text}
        onInput={changed}
        onCompositionEnd={changed}
        inputMode={typing ? "text" : "none"}
        aria-label={t("바코드", "Barcode")}
        placeholder={
          listening
            ? typing
              ? t("번호를 쓰고 Enter", "Type it, then Enter")
              : t("바코드를 스캔하세요", "Scan a barcode")
            : t("듣고 있지 않습니다. 여기를 누르세요.", "Not listening. Press here.")
        }
        autocomplete="off"
        autocapitalize="characters"
        autocorrect="off"
        spellcheck={false}
        maxLength={512}
      />
      <Button
        glove
        icon={typing ? "close" : "pencil"}
        label={typing ? t("그만", "Cancel") : t("직접 입력", "Type it")}
        onClick={() => {
          if (typing) finish("", false);
          else setTyping(true);
          input.current?.focus();
        }}
      >
        <span>{typing ? t("그만", "Cancel") : t("직접 입력", "Type it")}</span>
      </Button>
    </div>
  );
}

function pressOf(event: KeyboardEvent) {
  const { code, key, shiftKey } = event;
  return { code, key, shiftKey, capsLock: event.getModifierState("CapsLock") };
}

function isControl(element: HTMLElement): boolean {
  return element.closest("button, a, select, summary") !== null;
}

/** Whether keys come to this window; brings the focus back whenever it went nowhere. */
function useListening(input: { current: HTMLInputElement | null }): boolean {
  const [listening, setListening] = useState(document.hasFocus());
  useEffect(() => {
    const back = (): void => {
      const { activeElement } = document;
      if (!activeElement || activeElement === document.body) input.current?.focus();
    };
    const look = (): void => {
      setListening(document.hasFocus());
      back();
    };
    const later = (): void => void setTimeout(look, 0);
    const pressed = (event: PointerEvent): void => {
      // A pressed button has done its work; the next thing is a scan.
      if (!(event.target as HTMLElement).closest(".picker")) setTimeout(() => input.current?.focus(), 0);
    };
    input.current?.focus();
    const names = ["focus", "blur", "pageshow"] as const;
    for (const name of names) addEventListener(name, later);
    document.addEventListener("visibilitychange", later);
    document.addEventListener("focusout", later);
    document.addEventListener("pointerup", pressed);
    return () => {
      for (const name of names) removeEventListener(name, later);
      document.removeEventListener("visibilitychange", later);
      document.removeEventListener("focusout", later);
      document.removeEventListener("pointerup", pressed);
    };
  }, [input]);
  return listening;
}
