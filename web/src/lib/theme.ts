/** Light, dark, or whatever the system says. */
import { effect, signal } from "@preact/signals";
import { recall, remember } from "./storage";

export type Theme = "system" | "light" | "dark";

const KEY = "vooster.theme";
const kept = recall(KEY);

export const theme = signal<Theme>(kept === "light" || kept === "dark" ? kept : "system");

export function setTheme(next: Theme): void {
  remember(KEY, next === "system" ? null : next);
  theme.value = next;
}

effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});
