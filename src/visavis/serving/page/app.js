// The page as a whole: which view is shown, light or dark, and who serves it.

import { call, isAbort } from "./api.js";
import { mountCompare } from "./compare.js";
import { byId } from "./elements.js";
import { mountLive } from "./live.js";
import { mountMatch } from "./match.js";
import { mountModels } from "./models.js";
import { mountPeople } from "./people.js";
import { photosOf } from "./photo-well.js";
import { askForToken, takeTokenFromAddress } from "./token.js";
import { count } from "./words.js";

const MOUNTS = {
  compare: mountCompare,
  live: mountLive,
  match: mountMatch,
  people: mountPeople,
  models: mountModels,
};
const mounted = {}; // each view is made when it is first seen: { show(rest), hide(), paste(files) }
let current = null;

function route({ focus = true } = {}) {
  const [, asked = "", rest = ""] = /^#\/([a-z]*)\/?(.*)$/.exec(location.hash) ?? [];
  const name = asked in MOUNTS ? asked : "compare";
  if (current !== name) {
    mounted[current]?.hide?.();
    for (const section of document.querySelectorAll("main > section"))
      section.hidden = section.id !== name;
    for (const link of document.querySelectorAll(".views a")) {
      if (link.getAttribute("href") === `#/${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const heading = byId(`${name}-title`);
    document.title = `${heading.textContent} – visavis`;
    current = name;
    if (focus) heading.focus({ preventScroll: true }); // a screen reader then reads the new view
    scrollTo(0, 0);
  }
  mounted[name] ??= MOUNTS[name](byId(name));
  mounted[name].show?.(decodeURIComponent(rest));
}

function switchTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("visavis-theme", next);
}

async function showServer() {
  const place = byId("server");
  try {
    const gallery = await call("/gallery");
    place.textContent = `${gallery.model} · ${count(gallery.people, "person", "people")}`;
    place.classList.remove("gone");
  } catch (error) {
    if (isAbort(error)) return;
    place.textContent = error.status ? "" : "no server";
    place.classList.add("gone");
  }
}

takeTokenFromAddress();
byId("theme").addEventListener("click", switchTheme);
byId("sign-in").addEventListener("click", () => askForToken());
byId("main").addEventListener("token", () => {
  showServer();
  mounted[current]?.show?.("");
});
byId("main").addEventListener("gallery", showServer);
addEventListener("hashchange", () => route());
addEventListener("paste", (event) => {
  const photos = photosOf(event.clipboardData);
  if (photos.length && !document.querySelector("dialog[open]")) mounted[current]?.paste?.(photos);
});
// A photo dropped beside a well would otherwise replace the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
route({ focus: false });
showServer();
