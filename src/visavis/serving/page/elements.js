// Elements made by code. Text goes in as text, never as HTML: names and file names come from users.

import { sentence } from "./words.js";

/**
 * Make an element.
 * @param {string} tag "div", or "div.some.classes"
 * @param {...(object|Node|string|null)} rest attributes first, where there are any: `on: {click}` adds
 *   listeners, false and null leave one out; then the children
 */
export function make(tag, ...rest) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  const given = isPlain(rest[0]) ? rest.shift() : {};
  for (const [key, value] of Object.entries(given)) {
    if (key === "on") {
      for (const [event, listener] of Object.entries(value))
        element.addEventListener(event, listener);
    } else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(
    ...rest.flat(2).filter((child) => child != null && child !== false && child !== ""),
  );
  return element;
}

const isPlain = (value) => value != null && Object.getPrototypeOf(value) === Object.prototype;

/** An icon of the page's own drawing; words beside it say what it means. */
export function icon(name, classes = "") {
  const svg = makeSvg("svg", { class: `icon ${classes}`, "aria-hidden": "true" });
  svg.append(makeSvg("use", { href: `#icon-${name}` }));
  return svg;
}

export function makeSvg(tag, given = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(given)) element.setAttribute(key, value);
  return element;
}

export function button(words, listener, classes = "", given = {}) {
  return make(
    `button.button${classes && `.${classes}`}`,
    { type: "button", ...given, on: { click: listener } },
    words,
  );
}

export const byId = (id) => document.getElementById(id);

let dialogs = 0;

/** A dialog with a heading and a cross; gone from the page once it is closed. */
export function openDialog(title, body, { wide = false } = {}) {
  const id = `dialog-${(dialogs += 1)}`; // one may open over another
  const dialog = make(wide ? "dialog.wide" : "dialog", { "aria-labelledby": id });
  const cross = make(
    "button.round",
    { type: "button", "aria-label": "Close", on: { click: () => dialog.close() } },
    icon("close"),
  );
  dialog.append(make("header", make("h2", { id }, title), cross), make("div.body", body));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** An error, or a plain word, where the user looks. */
export function notice(text, { wrong = false, small = "", action = null } = {}) {
  return make(
    wrong ? "div.notice.wrong" : "div.notice",
    { role: wrong ? "alert" : null },
    make("p", withCode(sentence(text)), small && make("small", small)),
    action,
  );
}

/** The server writes commands between backticks. */
const withCode = (words) =>
  words.split("`").map((part, i) => (i % 2 ? make("code", part) : part));

/** What went wrong, in the server's own words. */
export function errorNotice(error) {
  return notice(error.message, {
    wrong: true,
    small: error.requestId ? `Request ${error.requestId}` : "",
  });
}

export const busy = (words) => make("p.busy", { role: "status" }, words);
