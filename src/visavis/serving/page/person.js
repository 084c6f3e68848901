// One person: what is known of them, and what can be done about it.

import { call } from "./api.js";
import { busy, button, errorNotice, make, openDialog } from "./elements.js";
import { openEnrol } from "./enrol.js";
import { colourOf, count, day, initials } from "./words.js";

/**
 * @param {object} person of /v1/people
 * @param {(words: string) => Promise} changed tells the list
 */
export async function openPerson(person, changed) {
  const body = make("div", {}, busy("Looking them up…"));
  const dialog = openDialog(person.name, body);
  const path = `/people/${person.id}`;
  try {
    const known = await call(path);
    body.replaceChildren(...about(known), make("div.actions", {},
      button("Add photos", () => after(openEnrol({ person, done: changed }))),
      button("Edit", () => edit()),
      button("Merge into…", () => merge()),
      button("Forget…", () => forget(known.person), "danger")));
  } catch (error) {
    body.replaceChildren(errorNotice(error));
  }

  /** A step ends with the list in view, where its outcome is told. */
  function after(next) {
    next.addEventListener("close", () => dialog.close());
  }

  function step(title, fields, submit, act, classes = "primary") {
    const place = make("div", { "aria-live": "polite" });
    const save = make(`button.button.${classes}`, { type: "submit" }, submit);
    const form = make("form", {}, ...fields, place, make("div.actions", {}, button("Cancel", () => next.close()), save));
    const next = openDialog(title, form);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      save.disabled = true;
      try {
        const words = await act(Object.fromEntries(new FormData(form)));
        next.close();
        dialog.close();
        await changed(words);
      } catch (error) {
        place.replaceChildren(errorNotice(error));
        save.disabled = false;
      }
    });
    return { form, save };
  }

  function edit() {
    const given = (name, value) => ({ name, value, autocomplete: "off" });
    const consent = make("textarea", { name: "consent", rows: 2 });
    consent.value = person.consent ?? "";
    step(`Edit ${person.name}`, [
      make("label", {}, "Name", make("input", { ...given("name", person.name), required: true, maxlength: 200, autofocus: true })),
      make("label", {}, "Consent", consent),
      make("label", {}, "Known until", make("input", { ...given("expires", person.expires?.slice(0, 10)), type: "date" })),
    ], "Save", async (fields) => {
      // What was not touched is not sent, so that a token that may not rename can still note consent.
      const before = { name: person.name, consent: person.consent ?? "", expires: person.expires?.slice(0, 10) ?? "" };
      const json = Object.fromEntries(Object.entries(fields).filter(([key, value]) => value !== before[key]));
      const saved = await call(path, { method: "PATCH", json });
      return `${saved.person.name} is saved.`;
    });
  }

  function merge() {
    step(`Merge ${person.name}`, [
      make("p", {}, `All of ${person.name}'s photos become another person's, and the name ${person.name} is gone.`),
      make("label", {}, "Who they are", make("input", { name: "into", required: true, autocomplete: "off", autofocus: true })),
    ], "Merge", async ({ into }) => {
      const merged = await call("/people/merge", { json: { person: person.id, into } });
      return `${person.name} is ${merged.person.name} now, with ${count(merged.person.photos, "photo")}.`;
    });
  }

  function forget({ name, photos }) {
    const field = make("input", { required: true, autocomplete: "off", autofocus: true });
    const { form, save } = step(`Forget ${name}?`, [
      make("p", {}, `${name}, with everything known from ${count(photos, "photo")}, is deleted from the gallery. Nobody can undo this; backups and exports made before still hold them.`),
      make("label", {}, `Write ${name} to confirm`, field),
    ], "Forget for ever", async () => {
      const gone = await call(path, { method: "DELETE" });
      const traces = gone.scrubbed ? "" : " Another process has the gallery open: run visavis gallery scrub later to wipe the traces.";
      return `${gone.forgotten.join(", ")} is forgotten, with ${count(gone.photos, "photo")}.${traces}`;
    }, "danger");
    save.disabled = true;
    form.addEventListener("input", () => { save.disabled = field.value.trim() !== name; });
  }
}

function about({ person, faces }) {
  const fact = (words, value) => [make("dt", {}, words), make("dd", {}, value)];
  return [
    make("div.person-head", {},
      make(`span.avatar.${colourOf(person.name)}`, { "aria-hidden": "true" }, initials(person.name)),
      make("dl.facts", {},
        fact("Known since", day(person.created)),
        fact("Consent", person.consent || "none noted"),
        fact("Known until", person.expires ? day(person.expires) : "they are forgotten"))),
    make("h3", {}, count(person.photos, "photo")),
    make("ul.faces", {}, faces.map(({ file, eye_distance: eyes, turn, crop }) => make("li", {},
      make("span", {}, file),
      make("span.small.muted.figure", {}, `eyes ${Math.round(eyes)} px apart, turned ${turn.toFixed(2)}${crop ? ", face kept" : ""}`)))),
  ];
}
