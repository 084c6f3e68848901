// What changes a person: each step is a form, and ends in words for the list.

import { call } from "./api.js";
import { button, make } from "./elements.js";
import { count } from "./words.js";

/** Another name, note of consent, or expiry. */
export function edit(person, step) {
  const given = (name, value) => ({ name, value, autocomplete: "off" });
  const consent = make("textarea", { name: "consent", rows: 2 });
  consent.value = person.consent ?? "";
  const expires = make("input", {
    ...given("expires", person.expires?.slice(0, 10)),
    type: "date",
    id: "known-until",
  });
  const clear = () => {
    expires.value = "";
    expires.focus();
  };
  step(
    `Edit ${person.name}`,
    [
      make(
        "label",
        "Name",
        make("input", {
          ...given("name", person.name),
          required: true,
          maxlength: 200,
          autofocus: true,
        }),
      ),
      make("label", "Consent", consent),
      make(
        "div",
        make(
          "label",
          { for: "known-until" },
          "Known until ",
          make("span.hint", "empty: until forgotten"),
        ),
        make("div.beside", expires, button("No end", clear)),
      ),
    ],
    "Save",
    async (fields) => {
      // What was not touched is not sent.
      const before = {
        name: person.name,
        consent: person.consent ?? "",
        expires: person.expires?.slice(0, 10) ?? "",
      };
      const json = Object.fromEntries(
        Object.entries(fields)
          .filter(([key, value]) => value !== before[key])
          .map(([key, value]) => [key, value || null]), // null takes a note or an expiry away
      );
      if (!Object.keys(json).length) return "";
      const saved = await call(`/people/${person.id}`, { method: "PATCH", json });
      return `${saved.person.name} is saved.`;
    },
  );
}

/** All of somebody's photos become another's. */
export function merge(person, step) {
  step(
    `Merge ${person.name}`,
    [
      make(
        "p",
        `All of ${person.name}'s photos become another person's, and the name ${person.name} is gone.`,
      ),
      make(
        "label",
        "Who they are",
        make("input", { name: "into", required: true, autocomplete: "off", autofocus: true }),
      ),
    ],
    "Merge",
    async ({ into }) => {
      const merged = await call("/people/merge", { json: { person: person.id, into } });
      return `${person.name} is ${merged.person.name} now, with ${count(merged.person.photos, "photo")}.`;
    },
  );
}

/** Deleted for good: it takes writing the name. */
export function forget({ id, name, photos }, step) {
  const field = make("input", { required: true, autocomplete: "off", autofocus: true });
  const { form, save } = step(
    `Forget ${name}?`,
    [
      make(
        "p",
        `${name}, with everything known from ${count(photos, "photo")}, is deleted from the gallery. Nobody can undo this; backups and exports made before still hold them.`,
      ),
      make("label", `Write ${name} to confirm`, field),
    ],
    "Forget for ever",
    async () => {
      const gone = await call(`/people/${id}`, { method: "DELETE" });
      const traces = gone.scrubbed
        ? ""
        : " Another process has the gallery open: run visavis gallery scrub later to wipe the traces.";
      return `${gone.forgotten.join(", ")} is forgotten, with ${count(gone.photos, "photo")}.${traces}`;
    },
    "danger",
  );
  save.disabled = true;
  form.addEventListener("input", () => {
    save.disabled = field.value.trim() !== name;
  });
}
