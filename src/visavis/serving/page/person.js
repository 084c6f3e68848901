// One person: what is known of them, and what can be done about it.

import { call } from "./api.js";
import { busy, button, errorNotice, make, openDialog } from "./elements.js";
import { openEnrol } from "./enrol.js";
import { edit, forget, merge } from "./person-steps.js";
import { colourOf, count, day, initials } from "./words.js";

/**
 * @param {object} person of /v1/people
 * @param {(words: string) => Promise} changed tells the list
 */
export async function openPerson(person, changed) {
  const body = make("div", busy("Looking them up…"));
  const dialog = openDialog(person.name, body);
  const path = `/people/${person.id}`;
  try {
    const known = await call(path);
    body.replaceChildren(
      ...about(known),
      make(
        "div.actions",
        button("Add photos", () => after(openEnrol({ person, done: changed }))),
        button("Edit", () => edit(person, step)),
        button("Merge into…", () => merge(person, step)),
        button("Forget…", () => forget(known.person, step), "danger"),
      ),
    );
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
    const form = make(
      "form",
      ...fields,
      place,
      make(
        "div.actions",
        button("Cancel", () => next.close()),
        save,
      ),
    );
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
}

function about({ person, faces }) {
  const fact = (words, value) => [make("dt", words), make("dd", value)];
  return [
    make(
      "div.person-head",
      make(
        `span.avatar.${colourOf(person.name)}`,
        { "aria-hidden": "true" },
        initials(person.name),
      ),
      make(
        "dl.facts",
        fact("Known since", day(person.created)),
        fact("Known until", person.expires ? day(person.expires) : "they are forgotten"),
        fact("Consent", person.consent || "none noted"),
      ),
    ),
    make("h3", count(person.photos, "photo")),
    make(
      "ul.faces",
      faces.map(({ file, eye_distance: eyes, turn, crop }) =>
        make(
          "li",
          make("span", file),
          make(
            "span.small.muted.figure",
            `eyes ${Math.round(eyes)} px apart, turned ${turn.toFixed(2)}${crop ? ", face kept" : ""}`,
          ),
        ),
      ),
    ),
  ];
}
