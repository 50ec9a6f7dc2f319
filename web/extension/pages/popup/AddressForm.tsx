/** Typing where the appliance is, for a network that finding doesn't get through. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../../../src/lib/i18n";
import { Button } from "../../../src/ui/Button";
import { Field } from "../../../src/ui/Field";
import { ProblemNotice } from "../../../src/ui/Notice";
import { tell } from "../../port";
import type { View } from "../../view";
import type { State } from "../parts/state";
import { meant } from "../parts/typed";
import { addressText } from "../parts/words";
import { Untrusted } from "./Untrusted";

/** Kept while states change around it: what was typed isn't lost when something is found meanwhile. */
const text = signal("");
const isOpen = signal(false);
const isRefused = signal(false);

const WITH_FIELD: State[] = ["looking", "found", "pairing", "unreachable"];

/** Whether the field stands there, and says itself what went wrong. */
export function isTyping(state: State): boolean {
  return state === "nothing" || (isOpen.value && WITH_FIELD.includes(state));
}

/** What was typed has been found: the field has done its part. */
export function settle({ phase }: View): void {
  if (phase.kind !== "pairing" || phase.appliance.base !== meant(text.value)) return;
  text.value = "";
  isOpen.value = false;
}

/** Opens and closes the field where it isn't there by itself. */
export function OtherAddress() {
  return (
    <Button
      look="bare"
      aria-expanded={isOpen.value}
      onClick={() => {
        isOpen.value = !isOpen.value;
      }}
    >
      {t("다른 주소 입력", "Use another address")}
    </Button>
  );
}

export function AddressForm({ told, look }: { told: View; look?: "primary" }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (look !== "primary" || document.activeElement === document.body) field.current?.focus();
  }, []);
  const base = meant(text.value);
  const submit = (event: Event): void => {
    event.preventDefault();
    isRefused.value = base === null;
    if (base === null) field.current?.focus();
    else tell({ do: "type", address: base });
  };
  return (
    <form class="address" onSubmit={submit}>
      <Field
        label={t("Vooster의 주소", "Address of Vooster")}
        value={text.value}
        onValue={(value) => {
          text.value = value;
          isOpen.value = true;
          isRefused.value = false;
        }}
        autocomplete="off"
        placeholder="192.168.0.5"
        maxLength={300}
        inputRef={field}
        why={
          isRefused.value
            ? t("주소로 읽을 수 없습니다. 192.168.0.5처럼 입력해 주세요.", "Not an address. Type one like 192.168.0.5.")
            : null
        }
        hint={
          base ? (
            <>
              {t("이 주소로 찾습니다:", "Looks at")} <span class="code">{addressText(base)}</span>
            </>
          ) : (
            t("서버 PC의 창과 라벨에 적혀 있습니다.", "The server PC's window and the labels show it.")
          )
        }
      />
      <Untrusted told={told} />
      {told.problem && <ProblemNotice problem={told.problem} />}
      <Button type="submit" look={look} wide busy={told.doing === "type"}>
        {told.doing === "type" ? t("찾는 중", "Looking") : t("이 주소로 연결", "Connect to this address")}
      </Button>
    </form>
  );
}

/** The field, where a person has opened it. */
export function MaybeAddress({ told }: { told: View }) {
  return isOpen.value && !told.byPolicy ? <AddressForm told={told} /> : null;
}
