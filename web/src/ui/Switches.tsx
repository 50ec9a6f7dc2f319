/** Language and theme, as two-way and three-way switches. */
import { type Lang, lang, setLang, t } from "../lib/i18n";
import { setTheme, type Theme, theme } from "../lib/theme";

const LANGS: [[Lang, string], [Lang, string]] = [
  ["ko", "한국어"],
  ["en", "English"],
];

/** `onLang` where somebody else keeps the choice. */
export function LangSwitch({ onLang = setLang }: { onLang?: (lang: Lang) => void }) {
  return (
    <fieldset class="seg">
      <legend class="vh">{t("언어", "Language")}</legend>
      {LANGS.map(([code, name]) => (
        <button key={code} type="button" lang={code} aria-pressed={lang.value === code} onClick={() => onLang(code)}>
          {name}
        </button>
      ))}
    </fieldset>
  );
}

/** The other language's name, where there is room for one word. */
export function LangToggle() {
  const [code, name] = LANGS.find(([one]) => one !== lang.value) ?? LANGS[0];
  return (
    <button type="button" class="btn btn-bare" lang={code} onClick={() => setLang(code)}>
      {name}
    </button>
  );
}

export function ThemeSwitch() {
  const themes: [Theme, string][] = [
    ["system", t("자동", "Auto")],
    ["light", t("밝게", "Light")],
    ["dark", t("어둡게", "Dark")],
  ];
  return (
    <fieldset class="seg">
      <legend class="vh">{t("밝기", "Theme")}</legend>
      {themes.map(([code, name]) => (
        <button key={code} type="button" aria-pressed={theme.value === code} onClick={() => setTheme(code)}>
          {name}
        </button>
      ))}
    </fieldset>
  );
}
