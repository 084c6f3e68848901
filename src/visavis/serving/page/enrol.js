// Enrol: photos of a person, what they agreed to, and until when.

import { call, formOf } from "./api.js";
import { busy, button, errorNotice, make, notice, openDialog } from "./elements.js";
import { PhotoWell, dropOut, photosOf, picture } from "./photo-well.js";
import { count } from "./words.js";

/**
 * Open the dialog that enrols somebody, or adds photos of somebody who is known.
 * @param {object} given `person`: who is known; `photos`: to begin with; `done(words)`
 */
export function openEnrol({ person = null, photos = [], done }) {
  const chosen = photoList(photos);
  const place = make("div", { "aria-live": "polite" });
  const save = make(
    "button.button.primary",
    { type: "submit" },
    person ? "Add the photos" : "Enrol",
  );
  const form = make(
    "form",
    person ? null : personFields(),
    chosen.host,
    photoFields(),
    place,
    make(
      "div.actions",
      button("Cancel", () => dialog.close()),
      save,
    ),
  );
  const dialog = openDialog(person ? `Photos of ${person.name}` : "Enrol somebody", form);

  dialog.addEventListener("paste", (event) => chosen.add(photosOf(event.clipboardData)));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!chosen.files.length)
      return place.replaceChildren(notice("Add at least one photo.", { wrong: true }));
    save.disabled = true;
    place.replaceChildren(busy(`Looking at ${count(chosen.files.length, "photo")}…`));
    try {
      const fields = Object.fromEntries(new FormData(form));
      const path = person ? `/people/${person.id}/photos` : "/people";
      const enrolled = await call(path, { form: formOf({ ...fields, photos: chosen.files }) });
      await done(summary(enrolled));
      if (enrolled.skipped.length) {
        chosen.clear();
        place.replaceChildren(...skippedNotices(enrolled.skipped, summary(enrolled)));
      } else dialog.close();
    } catch (error) {
      const others = (error.details?.skipped ?? []).filter((reason) => reason !== error.message);
      place.replaceChildren(errorNotice(error), ...skippedNotices(others));
    } finally {
      save.disabled = false;
    }
  });
  return dialog;
}

function personFields() {
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  return make(
    "div.fields",
    make(
      "label",
      "Name",
      make("input", {
        name: "name",
        required: true,
        maxlength: 200,
        autocomplete: "off",
        autofocus: true,
      }),
    ),
    make(
      "label",
      "Consent ",
      make("span.hint", "what they agreed to, and when"),
      make("textarea", {
        name: "consent",
        rows: 2,
        placeholder: "Agreed on paper to entry by face",
      }),
    ),
    make(
      "label",
      "Known until ",
      make("span.hint", "empty: until forgotten"),
      make("input", { name: "expires", type: "date", min: tomorrow }),
    ),
  );
}

function photoFields() {
  const tick = (name, words, hint) =>
    make(
      "label.tick",
      make("input", { type: "checkbox", name, value: "true" }),
      make("span", words, make("span.hint", ` ${hint}`)),
    );
  return make(
    "details",
    make("summary", "More"),
    make(
      "label",
      "Face in each photo",
      make(
        "select",
        { name: "faces" },
        new Option("the only one", "one"),
        new Option("the largest", "largest"),
        new Option("the central one", "central"),
      ),
    ),
    tick("force", "Take weak views too", "small, blurred, turned or crowded"),
    tick(
      "keep_crops",
      "Keep the faces",
      "so that a later model can read them again; else no picture is kept",
    ),
  );
}

/** The photos to be sent, small, above the well that adds more. */
function photoList(begin) {
  const files = [];
  const thumbs = make("ul.thumbs", { "aria-label": "Photos to enrol" });
  const well = make("div");
  const add = (more) =>
    more.forEach((file) => {
      files.push(file);
      const item = make(
        "li.thumb",
        picture(file, file.name),
        dropOut(`Remove ${file.name}`, () => {
          files.splice(files.indexOf(file), 1);
          item.remove();
        }),
      );
      thumbs.append(item);
    });
  new PhotoWell(well, {
    label: "Photos",
    hint: "One face each, seen from the front",
    many: true,
    onPhotos: add,
  });
  add(begin);
  return {
    host: make("div.photo-list", thumbs, well),
    files,
    add,
    clear() {
      files.length = 0;
      thumbs.replaceChildren();
    },
  };
}

function summary({ person, added, already }) {
  const known = already.length ? `, ${count(already.length, "photo")} known before` : "";
  return `${person.name}: ${count(added.length, "photo")} enrolled${known}.`;
}

function skippedNotices(skipped, first = "") {
  return [
    first && notice(first),
    ...skipped.map((reason) => notice(reason, { wrong: true })),
  ].filter(Boolean);
}
