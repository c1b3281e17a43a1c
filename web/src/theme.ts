/** Light or dark: the system's choice, unless the person made another. */

import { effect, signal } from "@preact/signals";

export type Theme = "light" | "dark";

const KEY = "arsis.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const of = (dark: boolean): Theme => (dark ? "dark" : "light");
const chosen = localStorage.getItem(KEY);

/** The theme in force. Canvases read it, so that they draw again when it changes. */
export const theme = signal<Theme>(chosen === "light" || chosen === "dark" ? chosen : of(system.matches));

system.addEventListener("change", () => {
  if (!localStorage.getItem(KEY)) theme.value = of(system.matches);
});

export function toggleTheme(): void {
  theme.value = theme.peek() === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, theme.peek());
}

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

/** A colour of the theme in force, by the name of its custom property (`--accent`). */
export function colour(name: `--${string}`): string {
  void theme.value;
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
