/** A password field with a reveal button; with `meter`, how strong it is in words and bars. */
import { useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import { Field } from "../ui/Field";

export const MIN_PASSWORD = 12;

type PasswordProps = { value: string; onValue: (value: string) => void; meter?: boolean; why?: string | null };

export function Password({ value, onValue, meter, why }: PasswordProps) {
  const [plain, setPlain] = useState(false);
  const level = strength(value);
  return (
    <Field
      label={t("비밀번호", "Password")}
      value={value}
      onValue={onValue}
      secret={!plain}
      name="password"
      autocomplete={meter ? "new-password" : "current-password"}
      why={why ?? null}
      hint={meter ? wordsFor(value, level) : undefined}
      below={
        meter ? (
          <span class="meter" aria-hidden="true">
            {[1, 2, 3, 4].map((bar) => (
              <i key={bar} class={level >= bar ? "on" : ""} />
            ))}
          </span>
        ) : undefined
      }
      end={
        <Button
          look="bare"
          icon={plain ? "eyeOff" : "eye"}
          label={plain ? t("비밀번호 숨기기", "Hide password") : t("비밀번호 보이기", "Show password")}
          onClick={() => setPlain(!plain)}
        />
      }
    />
  );
}

/** 0 (too short) to 4, by length and by how many different characters there are. */
function strength(value: string): number {
  const length = [...value].length;
  const different = new Set(value).size;
  if (length < MIN_PASSWORD) return 0;
  if (different < 5) return 1;
  if (length >= 20 && different >= 8) return 4;
  return length >= 15 && different >= 7 ? 3 : 2;
}

function wordsFor(value: string, level: number): string {
  const rule = t("12자 이상, 짐작하기 어려운 것이면 됩니다.", "Any 12 or more, if hard to guess.");
  const length = [...value].length;
  if (length === 0) return rule;
  if (level === 0) {
    const more = MIN_PASSWORD - length;
    return t(`${more}자 더 필요합니다. ${rule}`, `${more} more to go. ${rule}`);
  }
  const words = [
    t("쉽게 맞힐 수 있습니다", "Easy to guess"),
    t("쓸 만합니다", "Good enough"),
    t("튼튼합니다", "Strong"),
    t("아주 튼튼합니다", "Very strong"),
  ];
  return t(`${words[level - 1]}. ${length}자. ${rule}`, `${words[level - 1]}, ${length} characters. ${rule}`);
}
