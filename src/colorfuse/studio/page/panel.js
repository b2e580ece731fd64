// The controls beside the photo.

import { placesOf } from "./view.js";

const LAST = "colorfuse-last-colors";
const MOST_LAST = 9;

export const element = (id) => document.getElementById(id);

export function say(message, wrong = false) {
  element("status").textContent = message;
  element("status").classList.toggle("wrong", wrong);
}

// Offer colours as buttons. Each is { color, share }, of which the share may be missing.
export function offer(id, colors, choose, none = "") {
  const buttons = colors.map(({ color, share }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.color = color;
    button.style.background = color;
    const percent = share === undefined ? "" : share < 0.005 ? "<1 %" : `${Math.round(100 * share)} %`;
    button.title = percent ? `${color}, ${percent}` : color;
    button.setAttribute("aria-label", button.title);
    if (percent) button.append(Object.assign(document.createElement("span"), { textContent: percent }));
    button.addEventListener("click", () => choose(color));
    return button;
  });
  if (!buttons.length && none) buttons.push(Object.assign(document.createElement("span"), { className: "none", textContent: none }));
  const focused = [...element(id).children].indexOf(document.activeElement);
  element(id).replaceChildren(...buttons);
  if (focused >= 0) (buttons[focused] ?? buttons.at(-1))?.focus();
}

export function lastColors() {
  try {
    return JSON.parse(localStorage.getItem(LAST)) ?? [];
  } catch {
    return [];
  }
}

export function remember(color) {
  const colors = [color, ...lastColors().filter((each) => each !== color)].slice(0, MOST_LAST);
  try {
    localStorage.setItem(LAST, JSON.stringify(colors));
  } catch { /* storage is full or refused */ }
}

// List the marks, the newest first.
export function list(marks, selected, select) {
  const items = marks.toReversed().map((mark) => {
    const button = document.createElement("button");
    const swatch = document.createElement("i");
    swatch.style.background = mark.color ?? "#808080";
    const [[x, y]] = placesOf(mark);
    button.append(swatch, `${mark.path ? "stroke" : "point"} at ${x}, ${y}: ${mark.color ?? "gray"}`);
    button.setAttribute("aria-pressed", mark.id === selected);
    button.dataset.mark = mark.id;
    button.addEventListener("click", () => select(mark.id));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  const focused = document.activeElement?.dataset?.mark;
  element("marks").replaceChildren(...items);
  if (focused) element("marks").querySelector(`[data-mark="${focused}"]`)?.focus();
  element("count").textContent = marks.length;
}

export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
