// People: who the gallery knows, found by name, enrolled, looked at.

import { call } from "./api.js";
import { busy, button, byId, errorNotice, icon, make, notice } from "./elements.js";
import { openEnrol } from "./enrol.js";
import { openPerson } from "./person.js";
import { colourOf, count, day, initials, sentence } from "./words.js";

const PAGE = 100; // people fetched at a time

export function mountPeople() {
  const field = byId("people-find");
  let people = [];
  let total = 0;
  let next = null;

  async function load({ more = false } = {}) {
    try {
      const cursor = more && next ? `&cursor=${encodeURIComponent(next)}` : "";
      const page = await call(`/people?limit=${PAGE}${cursor}`);
      people = more ? [...people, ...page.people] : page.people;
      ({ total, next } = page);
      byId("people-notice").replaceChildren();
      draw();
    } catch (error) {
      byId("people-notice").replaceChildren(errorNotice(error));
    }
  }

  function draw() {
    const asked = field.value.trim().toLowerCase();
    const found = people.filter((person) => person.name.toLowerCase().includes(asked));
    byId("people-list").replaceChildren(
      ...(total ? found.map((person) => row(person, changed)) : [nobody(enrol)]),
    );
    byId("people-more").hidden = !next || Boolean(asked);
    byId("people-said").textContent = asked
      ? `${count(found.length, "person", "people")} of ${total.toLocaleString("en")} called so.`
      : total
        ? `The gallery knows ${count(total, "person", "people")}.`
        : "The gallery knows nobody yet.";
  }

  /** The list holds the first names only: a name beyond them is asked for by itself. */
  async function find(event) {
    const asked = field.value.trim();
    if (event.key !== "Enter" || !asked || !next || byId("people-list").children.length) return;
    try {
      const { person } = await call(`/people/${encodeURIComponent(asked)}`);
      byId("people-list").replaceChildren(row(person, changed));
    } catch (error) {
      byId("people-notice").replaceChildren(errorNotice(error));
    }
  }

  function changed(words = "") {
    byId("main").dispatchEvent(new Event("gallery")); // the count in the header
    return load().then(() => {
      if (words) byId("people-notice").replaceChildren(notice(words));
      if (document.activeElement === document.body) byId("people-title").focus(); // its row is gone
    });
  }

  const enrol = () => openEnrol({ done: changed });

  async function check() {
    const place = byId("findings");
    place.replaceChildren(busy("Checking the gallery…"));
    try {
      place.replaceChildren(findings(await call("/gallery/check"), () => place.replaceChildren()));
    } catch (error) {
      place.replaceChildren(errorNotice(error));
    }
  }

  field.addEventListener("input", draw);
  field.addEventListener("keydown", find);
  byId("people-more").addEventListener("click", () => load({ more: true }));
  byId("gallery-check").addEventListener("click", check);
  byId("enrol").addEventListener("click", enrol);
  return {
    show: () => load(),
    paste: (files) => openEnrol({ photos: files, done: changed }),
  };
}

const nobody = (enrol) =>
  make(
    "li.empty",
    icon("people", "large"),
    make("strong", "Nobody is enrolled yet"),
    make("p", "Enrol somebody from photos or from the camera, and Live will name them."),
    button("Enrol the first", enrol),
  );

function row(person, changed) {
  const about = [count(person.photos, "photo"), `since ${day(person.created)}`].join(" · ");
  return make(
    "li",
    make(
      "button.person",
      { type: "button", on: { click: () => openPerson(person, changed) } },
      make(
        `span.avatar.${colourOf(person.name)}`,
        { "aria-hidden": "true" },
        initials(person.name),
      ),
      make(
        "span.person-words",
        make("strong", { title: person.name }, person.name),
        make("span.person-about", make("span.small.muted", about), badgeOf(person)),
      ),
    ),
  );
}

/** What an operator has to see to: somebody whose time is over, or who never agreed. */
export function badgeOf({ consent, expires }) {
  if (expires && new Date(expires) <= new Date()) return make("span.badge.wrong", "expired");
  if (!consent) return make("span.badge", "no consent noted");
  return expires ? make("span.badge", `until ${day(expires)}`) : null;
}

function findings({ good, problems, findings: found, not_compared: reason }, close) {
  const whole = good ? "The gallery is whole" : "The gallery is damaged";
  const left = problems.length + found.length;
  const words = left ? `${whole}; ${count(left, "finding")} to look at:` : `${whole}: nothing to mend.`;
  const list = make(
    "ul.findings",
    problems.map((problem) => make("li", sentence(problem))),
    found.map(({ why, mend }) =>
      make("li", sentence(why), ...mend.map((line) => make("code", line))),
    ),
  );
  const untold = reason ? make("p.muted", sentence(`Photos were not compared: ${reason}`)) : null;
  return make(
    good ? "div.notice" : "div.notice.wrong",
    make("div", make("p", words), list, untold),
    button("Close", close),
  );
}
