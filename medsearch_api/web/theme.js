// Light or dark theme: the system's until the user chooses. The choice is stored in this browser.

const KEPT = "medsearch-theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** The current theme: the chosen one, or else the system's. */
export function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

/** Switches to the other theme, and stores the choice. */
export function switchTheme() {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem(KEPT, next);
  return next;
}

/** Applies the stored theme. Calls `onChange` when the system's theme changes. */
export function begin(onChange) {
  const kept = localStorage.getItem(KEPT);
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  dark.addEventListener("change", () => onChange(theme()));
  return theme();
}
