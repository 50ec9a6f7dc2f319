/** The frame of pages made for a phone first: no navigation, the buttons within the thumb's reach. */
import type { ComponentChildren } from "preact";
import { t } from "../lib/i18n";
import { Mark } from "../ui/icons";
import { LangToggle } from "../ui/Switches";
import { me, roleName } from "./session";

type PhoneProps = { children: ComponentChildren; foot?: ComponentChildren; center?: boolean };

export function PhonePage({ children, foot, center }: PhoneProps) {
  return (
    <div class="ph">
      <header class="ph-top">
        <a href="/" class="ph-home">
          <Mark size={28} />
          {t("모니터 등록", "Pair a screen")}
        </a>
        {me.value ? <span class="who">{roleName(me.value.role)}</span> : null}
        <LangToggle />
      </header>
      <main class={center ? "ph-body center" : "ph-body"}>{children}</main>
      {foot && <footer class="ph-foot">{foot}</footer>}
    </div>
  );
}
