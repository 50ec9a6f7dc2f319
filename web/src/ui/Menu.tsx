/** A button that opens a short list of deeds; arrows move, Escape and a press elsewhere close it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./Button";
import { Icon, type IconName } from "./icons";

export type MenuItem = { text: string; icon: IconName; danger?: boolean; onPick: () => void };

export function Menu({ label, items, off }: { label: string; items: MenuItem[]; off?: string | false }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const buttons = (): HTMLButtonElement[] => [
    ...(box.current?.querySelectorAll<HTMLButtonElement>("[role=menuitem]") ?? []),
  ];
  useEffect(() => {
    if (!open) return undefined;
    buttons()[0]?.focus();
    const outside = (event: Event): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);
  const close = (): void => {
    setOpen(false);
    box.current?.querySelector<HTMLButtonElement>(".btn")?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open) return;
    const list = buttons();
    const at = list.indexOf(document.activeElement as HTMLButtonElement);
    const step: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const next = step[event.key];
    if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    else if (next !== undefined) list.at(next % list.length)?.focus();
    else return;
    if (event.key !== "Tab") event.preventDefault();
  };
  return (
    <div class="menu-box" ref={box} onKeyDown={onKeyDown} role="none">
      <Button
        icon="more"
        label={label}
        off={off}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <div class="menu" role="menu" aria-label={label}>
          {items.map((item) => (
            <button
              key={item.text}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={item.danger ? "is-danger" : ""}
              onClick={() => {
                close();
                item.onPick();
              }}
            >
              <Icon name={item.icon} />
              {item.text}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
