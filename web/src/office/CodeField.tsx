/** Where a pairing code is typed when no camera read it. */
import { useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Icon } from "../ui/icons";
import { go, place } from "./router";
import { codeLetters, rememberTyped, withDash } from "./userCode";

/** `stacked` is the phone's form: field and button under each other, for gloves. */
export function CodeField({ stacked }: { stacked?: boolean }) {
  const [letters, setLetters] = useState("");
  const [asked, setAsked] = useState(false);
  const why =
    asked && letters.length < 8
      ? t("모니터에 보이는 여덟 글자를 입력해 주세요.", "Type the eight letters on the screen.")
      : null;
  const submit = (event: Event): void => {
    event.preventDefault();
    setAsked(true);
    if (letters.length < 8) return;
    rememberTyped(letters);
    go(`/approve${place.value.pathname === "/approve" ? place.value.search : ""}#${withDash(letters)}`);
  };
  return (
    <form class={stacked ? "codefield is-stacked" : "codefield"} onSubmit={submit}>
      <label class={stacked ? "label" : "vh"} for="pairing-code">
        {t("등록 코드", "Pairing code")}
      </label>
      <input
        id="pairing-code"
        class="input code"
        lang="en"
        inputMode="text"
        autocapitalize="characters"
        autocomplete="off"
        spellcheck={false}
        placeholder="XXXX-XXXX"
        data-search=""
        value={withDash(letters)}
        aria-invalid={why ? true : undefined}
        aria-describedby={why ? "pairing-code-why" : undefined}
        onInput={(event) => {
          const next = codeLetters(event.currentTarget.value);
          setLetters(next);
          event.currentTarget.value = withDash(next);
        }}
      />
      <Button type="submit" look="primary" glove={stacked} wide={stacked}>
        {t("다음", "Next")}
      </Button>
      {why && (
        <p class="why" id="pairing-code-why" role="status">
          <Icon name="problem" />
          {why}
        </p>
      )}
    </form>
  );
}
