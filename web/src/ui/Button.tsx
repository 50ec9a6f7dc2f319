/** A button or a link that looks like one. `off` keeps it reachable and says why nothing happens. */
import type { ComponentChildren, JSX } from "preact";
import { ownPath } from "../lib/links";
import { Icon, type IconName } from "./icons";

type Look = "plain" | "primary" | "danger" | "bare";

type Common = {
  look?: Look;
  icon?: IconName;
  /** 64 px, for gloves. */
  glove?: boolean;
  wide?: boolean;
  children?: ComponentChildren;
  class?: string;
};

function classes({ look = "plain", glove, wide, class: extra, icon, children }: Common): string {
  const list = ["btn"];
  if (look !== "plain") list.push(`btn-${look}`);
  if (glove) list.push("btn-glove");
  if (wide) list.push("btn-wide");
  if (icon && !children) list.push("btn-icon");
  if (extra) list.push(extra);
  return list.join(" ");
}

type ButtonProps = Common & {
  onClick?: (event: MouseEvent) => void;
  type?: "button" | "submit";
  /** The reason why it can't be pressed now; shown as its title. */
  off?: string | boolean;
  /** Something this button started is under way. */
  busy?: boolean;
  label?: string;
  id?: string;
  /** Letter that presses it while its row has the focus. */
  rowKey?: string;
  "aria-expanded"?: boolean;
  "aria-haspopup"?: "menu" | "dialog";
};

export function Button(props: ButtonProps) {
  const { onClick, type = "button", off, busy, label, icon, children } = props;
  const blocked = Boolean(off) || Boolean(busy);
  const press = (event: MouseEvent): void => {
    if (blocked) event.preventDefault();
    else onClick?.(event);
  };
  return (
    <button
      type={type}
      class={classes(props)}
      onClick={press}
      id={props.id}
      data-key={props.rowKey}
      aria-disabled={blocked || undefined}
      aria-busy={busy || undefined}
      aria-label={label}
      aria-expanded={props["aria-expanded"]}
      aria-haspopup={props["aria-haspopup"]}
      title={typeof off === "string" ? off : children ? undefined : label}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

type LinkProps = Common & { href: string } & Pick<JSX.IntrinsicElements["a"], "target" | "rel">;

export function ButtonLink(props: LinkProps) {
  return (
    <a href={ownPath(props.href)} target={props.target} rel={props.rel} class={classes(props)}>
      {props.icon && <Icon name={props.icon} />}
      {props.children}
    </a>
  );
}
