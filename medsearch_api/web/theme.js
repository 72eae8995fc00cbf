// Light or dark: as the system has it, until the user chooses. The choice is kept in this browser.

const KEPT = "medsearch-theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");

/** The theme shown: the one chosen, or else the system's. */
export function theme() {
  return document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
}

/** Goes to the other theme, and keeps that. */
export function switchTheme() {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem(KEPT, next);
  return next;
}

/** Shows the theme that was chosen before. Calls `onChange` when the system's changes. */
export function begin(onChange) {
  const kept = localStorage.getItem(KEPT);
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  dark.addEventListener("change", () => onChange(theme()));
  return theme();
}
