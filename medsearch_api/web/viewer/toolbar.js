// The viewer's buttons and its menu of window presets.

import { element, icon } from "./elements.js";
import { isSame } from "./lut.js";
import { windowPresets, titleOf } from "./presets.js";

const DEFAULT = "default";
const CUSTOM = "custom";

const BUTTONS = [
  ["toggleTool", "window", "Window: drag to change brightness and contrast", "W"],
  ["invert", "invert", "Invert", "I"],
  ["overlays", "overlays", "Overlays", "O"],
  ["zoomOut", "zoomOut", "Zoom out", "-"],
  ["zoomIn", "zoomIn", "Zoom in", "+"],
  ["fit", "fit", "Fit image", "0"],
  ["oneToOne", "oneToOne", "Actual pixels", "1"],
  ["reset", "reset", "Reset", "R"],
  ["fullScreen", "fullScreen", "Full screen", ""],
];
const GRAY_ALONE = ["toggleTool", "invert"];
const TOGGLES = ["toggleTool", "invert", "overlays", "fullScreen"];

/** The toolbar, and `show(state)`, which updates it. `act(command)` and `choose(window | null)` are called on user actions only. */
export function toolbar({ act, choose }) {
  const buttons = Object.fromEntries(BUTTONS.map(([command, drawing, name, key]) => [command, button(command, drawing, name, key, act)]));
  const menu = element("select", { "aria-label": "Window preset", title: "Window preset", disabled: "" });
  let offered = [];
  let filledFor = null;
  buttons.fullScreen.hidden = !document.fullscreenEnabled;
  menu.addEventListener("change", () => choose(menu.value === DEFAULT ? null : offered[menu.value]));

  function fill(header) {
    const option = (value, text) => element("option", { value }, text);
    const groups = windowPresets(header);
    offered = groups.flatMap(({ presets }) => presets);
    menu.replaceChildren(
      option(DEFAULT, "Default"),
      ...groups.map(({ name, presets }) => element("optgroup", { label: name }, ...presets.map((p) => option(offered.indexOf(p), titleOf(p))))),
      option(CUSTOM, "Custom"),
    );
    menu.lastChild.hidden = true;
  }

  return {
    bar: element("div", { class: "tools", role: "group", "aria-label": "Viewer tools" }, buttons.toggleTool, buttons.invert, menu, ...BUTTONS.slice(2).map(([command]) => buttons[command])),

    show({ header, window, isInverted, isOverlaid, hasOverlays, tool, isFullScreen }) {
      buttons.overlays.hidden = !hasOverlays;
      if (header && filledFor !== header) fill(header);
      filledFor = header;
      menu.disabled = !header;
      if (!header) menu.replaceChildren(element("option", {}, "Window"));
      else if (!window) menu.value = DEFAULT;
      else if (!isSame(offered[menu.value], window)) {
        const at = offered.findIndex((preset) => isSame(preset, window));
        menu.value = at < 0 ? CUSTOM : String(at);
      }
      for (const command of GRAY_ALONE) buttons[command].disabled = !header;
      const pressed = { toggleTool: tool === "window", invert: isInverted, overlays: isOverlaid, fullScreen: isFullScreen };
      for (const command of TOGGLES) buttons[command].setAttribute("aria-pressed", pressed[command]);
    },
  };
}

function button(command, drawing, name, key, act) {
  const made = element("button", { type: "button", "aria-label": name, title: key ? `${name} (${key})` : name, "data-command": command }, icon(drawing));
  if (key) made.setAttribute("aria-keyshortcuts", key === "+" ? "Plus" : key === "-" ? "Minus" : key);
  made.addEventListener("click", () => act(command));
  return made;
}
