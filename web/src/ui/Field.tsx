/** A labelled field with its hint and, when something needs correcting, why. */
import type { ComponentChildren, Ref } from "preact";
import { useId } from "preact/hooks";
import { Icon } from "./icons";

type FieldProps = {
  label: string;
  value: string;
  onValue: (value: string) => void;
  /** Typed characters are hidden. */
  secret?: boolean;
  name?: string;
  autocomplete?: "username" | "current-password" | "new-password" | "organization" | "off";
  placeholder?: string;
  maxLength?: number;
  /** Codes and ids: capitals, no spelling help. */
  code?: boolean;
  required?: boolean;
  hint?: ComponentChildren;
  /** What needs correcting; null when nothing does. */
  why?: string | null;
  inputRef?: Ref<HTMLInputElement>;
  /** Something inside the field at its end, such as the reveal button. */
  end?: ComponentChildren;
  /** Something between the field and its hint, such as a meter. */
  below?: ComponentChildren;
};

export function Field(props: FieldProps) {
  const { label, value, onValue, code, hint, why, end, below } = props;
  const id = useId();
  const notes = [why && `${id}-why`, hint && `${id}-hint`].filter(Boolean).join(" ");
  const shared = {
    id,
    ref: props.inputRef,
    class: code ? "input code" : "input",
    name: props.name,
    value,
    placeholder: props.placeholder,
    maxLength: props.maxLength,
    required: props.required,
    autocomplete: props.autocomplete,
    autocapitalize: code ? "characters" : "none",
    spellcheck: false,
    onInput: (event: { currentTarget: HTMLInputElement }) => onValue(event.currentTarget.value),
    "aria-invalid": why ? true : undefined,
    "aria-describedby": notes || undefined,
  } as const;
  const input = props.secret ? <input {...shared} type="password" /> : <input {...shared} type="text" />;
  return (
    <div class={why ? "field is-bad" : "field"}>
      <label for={id}>{label}</label>
      {end ? (
        <span class="field-end">
          {input}
          {end}
        </span>
      ) : (
        input
      )}
      {below}
      {why && (
        <p class="why" id={`${id}-why`}>
          <Icon name="problem" />
          {why}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
