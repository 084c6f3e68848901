// Match: references on the left, on-site photos on the right, joined by lines.

import { call, formOf, isAbort } from "./api.js";
import { zoom } from "./boxes.js";
import { busy, button, byId, errorNotice, make, notice } from "./elements.js";
import { drawLinks } from "./match-links.js";
import { PhotoWell, dropOut, picture } from "./photo-well.js";
import { colourOf, count, decimal, percent } from "./words.js";

/** One column: its photos as figures, and the well below them. */
class Column {
  constructor(host, label, hint, changed) {
    this.photos = []; // { file, figure }
    this.list = make("ul.column", { "aria-label": label });
    const well = make("div");
    new PhotoWell(well, { label, hint, many: true, onPhotos: (files) => this.add(files) });
    host.append(this.list, well);
    this.changed = changed;
  }

  add(files) {
    for (const file of files) {
      const photo = { file };
      photo.words = make("figcaption", bareName(file));
      photo.window = make("div.window", picture(file, file.name));
      photo.figure = make("figure.card", photo.window, photo.words);
      photo.item = make(
        "li",
        photo.figure,
        dropOut(`Remove ${file.name}`, () => this.#remove(photo)),
      );
      this.photos.push(photo);
      this.list.append(photo.item);
    }
    this.changed();
  }

  clear() {
    this.photos = [];
    this.list.replaceChildren();
  }

  #remove(photo) {
    this.photos = this.photos.filter((other) => other !== photo);
    photo.item.remove();
    this.changed();
  }

  get files() {
    return this.photos.map((photo) => photo.file);
  }
}

export function mountMatch() {
  const options = byId("match-options");
  const left = new Column(byId("references"), "References", "Whom you know, one face each", match);
  const right = new Column(byId("onsite"), "On site", "Whom you met", match);
  let asked = null;
  let joined = [];

  async function match() {
    asked?.abort();
    asked = new AbortController();
    show(null);
    byId("match-clear").hidden = !left.photos.length && !right.photos.length;
    if (!left.photos.length || !right.photos.length) return;
    byId("match-notice").replaceChildren(busy(`Matching ${count(right.photos.length, "photo")}…`));
    const chosen = Object.fromEntries(new FormData(options));
    try {
      const names = left.files.map(personOf);
      const form = formOf({ references: left.files, names, onsite: right.files, ...chosen });
      show(await call("/match", { form, signal: asked.signal }));
    } catch (error) {
      if (isAbort(error)) return;
      byId("match-notice").replaceChildren(
        errorNotice(error),
        error.code === "refused" ? strangers() : "",
      );
    }
  }

  /** A closed set may be refused; the way out is one click away. */
  function strangers() {
    return button("Strangers may come too", () => {
      options.elements.open_set.value = "true";
      match();
    });
  }

  function show(found) {
    joined = (found?.pairs ?? []).map((pair) => ({
      ...pair,
      from: left.photos[pair.reference_index],
      to: right.photos[pair.onsite_index],
    }));
    right.photos.forEach((photo) => photo.words.replaceChildren(bareName(photo.file)));
    for (const pair of joined) {
      pair.to.words.replaceChildren(bareName(pair.to.file), badge(pair));
      zoom(pair.to.window, pair.box, found.photos.onsite[pair.onsite_index]);
      zoom(pair.from.window, pair.reference_box, found.photos.references[pair.reference_index]);
    }
    byId("match-said").textContent = found ? summary(found) : "";
    byId("match-notice").replaceChildren(
      ...(found?.skipped ?? []).map((photo) => notice(photo.message, { wrong: true })),
    );
    byId("match-table").replaceChildren(...(joined.length ? [table(joined)] : []));
    draw();
  }

  const draw = () => drawLinks(byId("links"), byId("sides"), joined);
  new ResizeObserver(draw).observe(byId("sides"));
  options.addEventListener("change", match);
  byId("match-clear").addEventListener("click", () => {
    left.clear();
    right.clear();
    match();
    byId("references").querySelector("input").focus(); // the button is gone
  });
  return { show: draw, paste: (files) => (left.photos.length ? right : left).add(files) };
}

const bareName = (file) => file.name.replace(/(.)\.[^.]+$/, "$1");

/** `ada_1.jpg` and `ada_2.jpg` show one person, as in every folder that visavis reads. */
const personOf = (file) => bareName(file).replace(/(.)_\d+$/, "$1");

const badge = (pair) =>
  pair.matched
    ? make("span.badge", make(`span.dot.${colourOf(pair.person)}`), pair.person)
    : make("span.badge.wrong", "nobody");

function summary({ pairs, people, threshold }) {
  const named = pairs.filter((pair) => pair.matched).length;
  const set = threshold === null ? "closed set" : `open set, threshold ${decimal(threshold)}`;
  const rest = pairs.length - named;
  return `${named} of ${count(pairs.length, "photo")} named among ${count(people, "person", "people")}${rest ? `, ${rest} nobody` : ""} (${set}).`;
}

function table(pairs) {
  const columns = ["Is", "Similarity", "Distance", "P(same)"];
  const head = ["On site", ...columns].map((words) => make("th", { scope: "col" }, words));
  const rows = pairs.map((pair) => {
    const name = pair.matched ? pair.person : `nobody; nearest ${pair.nearest}`;
    const figures = [
      name,
      decimal(pair.similarity),
      decimal(pair.distance),
      percent(pair.probability),
    ];
    return make(
      "tr",
      make("th", { scope: "row" }, pair.photo),
      ...figures.map((figure, i) => make("td", { "data-column": columns[i] }, figure)),
    );
  });
  return make(
    "div.wide",
    { tabindex: "0", role: "region", "aria-label": "All pairs" },
    make(
      "table",
      make(
        "caption",
        "Similarity: larger is more alike. Distance: Euclidean between the embeddings, smaller is more alike.",
      ),
      make("thead", make("tr", head)),
      make("tbody", rows),
    ),
  );
}
