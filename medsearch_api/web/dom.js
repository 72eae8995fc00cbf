// Building elements. Text always becomes a text node: data is never read as HTML.

/** An element with properties and children; null and false children are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A message that stands where a result would. */
export function note(title, detail, ...actions) {
  return h("div", { class: "note" }, h("h2", {}, title), detail ? h("p", {}, detail) : null, ...actions);
}

/** A failure and a way to try again. */
export function failure(error, again) {
  const [text, act] = error.code === "UNAUTHENTICATED" ? ["Sign in", () => location.reload()] : ["Try again", again];
  const panel = note("That did not work", error.message, h("button", { class: "button", type: "button", onclick: act }, text));
  panel.setAttribute("role", "alert");
  return panel;
}

export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
