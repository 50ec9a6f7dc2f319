/** For addresses without a page: says so to anybody, signed in or not, and shows the way back. */
import { t } from "../lib/i18n";
import { ButtonLink } from "../ui/Button";
import { Mark } from "../ui/icons";
import { LangSwitch } from "../ui/Switches";
import { place } from "./router";
import { useTitle } from "./use";

export function NotFoundPage() {
  useTitle(t("없는 페이지", "No such page"));
  return (
    <main class="door">
      <div class="door-top">
        <div class="brand">
          <Mark />
          <div lang="en">
            Vooster
            <small>Vooster Appliance</small>
          </div>
        </div>
        <LangSwitch />
      </div>
      <div class="card door-card">
        <h1>{t("찾는 페이지가 없습니다", "There is no such page")}</h1>
        <p class="quiet door-path">
          {t("주소를 확인해 주세요: ", "Check the address: ")}
          <code>{place.value.pathname}</code>
        </p>
        <ButtonLink look="primary" glove wide href="/">
          {t("처음 페이지로", "Go to the first page")}
        </ButtonLink>
      </div>
    </main>
  );
}
