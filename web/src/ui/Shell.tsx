/** The office frame: side navigation, the bar below on a phone, and at the foot how things are. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count } from "../lib/format";
import { t } from "../lib/i18n";
import { ownPath } from "../lib/links";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Icon, type IconName, Mark } from "./icons";
import { LangSwitch, ThemeSwitch } from "./Switches";

export type ShellProps = {
  plant: string;
  /** Path of the page that is on. */
  current: string;
  live: string;
  address: string;
  who: string;
  undelivered: number;
  canPair: boolean;
  onSignOut: () => void;
  /** Above the page's own content: "not live" and its like. */
  bar?: ComponentChildren;
  children: ComponentChildren;
};

type Item = { href: string; icon: IconName; text: string; count?: number };

function Count({ value }: { value: number }) {
  return (
    <b class="count">
      {count(value)}
      <span class="vh">{t("건", " items")}</span>
    </b>
  );
}

function Links({ items, current }: { items: Item[]; current: string }) {
  return (
    <>
      {items.map((item) => (
        <a key={item.href} href={ownPath(item.href)} aria-current={isWithin(current, item.href) ? "page" : undefined}>
          <Icon name={item.icon} />
          {item.text}
          {item.count ? <Count value={item.count} /> : null}
        </a>
      ))}
    </>
  );
}

/** The link's own page or one below it: `/screens/labels` is in `/screens`. */
function isWithin(current: string, href: string): boolean {
  return current === href || (href !== "/" && current.startsWith(`${href}/`));
}

export function Shell(props: ShellProps) {
  const [more, setMore] = useState(false);
  const now: Item = { href: "/", icon: "now", text: t("지금", "Now") };
  const dead: Item = {
    href: "/dead-letters",
    icon: "tray",
    text: t("미전달", "Undelivered"),
    count: props.undelivered,
  };
  const screens: Item = { href: "/screens", icon: "ready", text: t("모니터", "Screens") };
  const pair: Item = { href: "/approve", icon: "qr", text: t("등록", "Pair") };
  const state = (
    <>
      <span>{props.live}</span>
      <span class="code">{props.address}</span>
      <span>{props.who}</span>
    </>
  );
  const controls = (
    <>
      <LangSwitch />
      <ThemeSwitch />
      <Button look="bare" icon="signOut" onClick={props.onSignOut}>
        {t("로그아웃", "Sign out")}
      </Button>
    </>
  );
  return (
    <>
      <a class="skip" href="#main">
        {t("본문으로 건너뛰기", "Skip to content")}
      </a>
      <div class="shell">
        <nav class="nav" aria-label={t("주 메뉴", "Main")}>
          <div class="brand">
            <Mark />
            <div>
              {props.plant}
              <small lang="en">Vooster Appliance</small>
            </div>
          </div>
          <Links items={[now, dead, screens]} current={props.current} />
          <div class="foot">
            {state}
            <div class="foot-controls">{controls}</div>
          </div>
        </nav>
        <main class="main" id="main" tabIndex={-1}>
          {props.bar}
          {props.children}
        </main>
      </div>
      <nav class="tabbar" aria-label={t("아래 메뉴", "Bottom")}>
        <Links items={props.canPair ? [now, screens, pair, dead] : [now, screens, dead]} current={props.current} />
        <button type="button" aria-haspopup="dialog" onClick={() => setMore(true)}>
          <Icon name="more" />
          {t("더 보기", "More")}
        </button>
      </nav>
      {more && (
        <Dialog
          title={props.plant}
          onClose={() => setMore(false)}
          foot={<Button onClick={() => setMore(false)}>{t("닫기", "Close")}</Button>}
        >
          <div class="more-state">{state}</div>
          <div class="more-controls">{controls}</div>
        </Dialog>
      )}
    </>
  );
}
