/** The frame of pages made for a phone first: no navigation, the buttons within the thumb's reach. */
import type { ComponentChildren } from "preact";
import { t } from "../lib/i18n";
import { Icon, type IconName, Mark } from "../ui/icons";
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

type MarkProps = {
  icon: IconName;
  head: string;
  /** What comes of it. */
  text: ComponentChildren;
  /** Something was done. */
  good?: boolean;
  /** It took another page's place, and is read out. */
  news?: boolean;
  children?: ComponentChildren;
  foot?: ComponentChildren;
};

/** One thing said by a mark and a line; `children` stand below. */
export function MarkPage({ icon, head, text, good, news, children, foot }: MarkProps) {
  return (
    <PhonePage center foot={foot}>
      <span class={good ? "bigmark ok" : "bigmark no"}>
        <Icon name={icon} />
      </span>
      <div role={news ? "status" : undefined}>
        <h1>{head}</h1>
        {text}
      </div>
      {children}
    </PhonePage>
  );
}
