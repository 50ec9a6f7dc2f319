/** What will be here, and the first step towards it. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons";

type EmptyProps = { icon: IconName; title: string; children?: ComponentChildren };

export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
