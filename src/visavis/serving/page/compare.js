// Compare: two photos face each other, and the verdict stands between them.

import { ApiError, call, formOf, isAbort } from "./api.js";
import { faceBox } from "./boxes.js";
import { busy, button, byId, errorNotice, make, notice } from "./elements.js";
import { PhotoWell, dropOut, picture } from "./photo-well.js";
import { scoreLine } from "./score-line.js";
import { decimal, oneIn, percent } from "./words.js";

/** One side: the well while it is empty, else the photo. */
class Side {
  constructor(host, label, changed) {
    this.host = host;
    this.label = label;
    this.changed = changed;
    this.file = null;
    this.well = new PhotoWell(host, { label, onPhotos: ([file]) => this.put(file) });
  }

  put(file) {
    this.file = file;
    this.frame = make("div.frame", picture(file, this.label));
    const remove = dropOut(`Remove the ${this.label.toLowerCase()}`, () => this.clear());
    const focused = this.host.contains(document.activeElement);
    this.host.replaceChildren(this.frame, remove);
    if (focused) remove.focus(); // what had the focus is gone
    this.host.classList.add("full");
    this.changed();
  }

  clear() {
    this.file = null;
    this.host.replaceChildren(this.well.ask);
    this.host.classList.remove("full");
    this.well.ask.querySelector("input").focus();
    this.changed();
  }

  /** The frame is as the photo is, so that boxes in per cent of it lie on the faces. */
  box(face, photo, same) {
    this.unbox();
    this.frame.style.aspectRatio = `${photo.width} / ${photo.height}`;
    this.frame.append(faceBox(face, photo, same ? ".same" : ".different"));
  }

  unbox() {
    this.frame?.querySelectorAll(".face-box").forEach((box) => box.remove());
  }
}

export function mountCompare() {
  const options = byId("compare-options");
  const sides = [
    new Side(byId("photo-a"), "First photo", compare),
    new Side(byId("photo-b"), "Second photo", compare),
  ];
  options.addEventListener("change", compare);
  let asked = null; // what runs now; a newer question ends it

  function fields() {
    const chosen = Object.fromEntries(new FormData(options));
    return formOf({ photo_a: sides[0].file, photo_b: sides[1].file, ...chosen });
  }

  async function compare() {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    sides.forEach((side) => side.unbox());
    byId("explanation").replaceChildren();
    byId("verdict").replaceChildren();
    showSeam(null);
    if (!sides.every((side) => side.file)) return;
    byId("verdict").replaceChildren(busy("Comparing…"));
    try {
      const verdict = await call("/verify", { form: fields(), signal });
      verdict.faces.forEach((face, i) => sides[i].box(face, verdict.photos[i], verdict.same));
      showSeam(verdict);
      byId("verdict").replaceChildren(verdictCard(verdict));
      byId("explanation").replaceChildren(askWhy(signal));
    } catch (error) {
      if (!isAbort(error)) byId("verdict").replaceChildren(refusal(error));
    }
  }

  function askWhy(signal) {
    const show = (which, words) => async (event) => {
      const asking = event.currentTarget.closest(".why-buttons");
      const place = make("div", busy(words));
      asking.after(place);
      event.currentTarget.remove();
      try {
        const form = fields();
        form.append("picture", which);
        const blob = await call("/explain", { form, signal, as: "blob" });
        place.replaceWith(explaining(blob, which));
      } catch (error) {
        if (!isAbort(error)) place.replaceWith(errorNotice(error));
      }
    };
    return make(
      "div.why-buttons",
      button("Show why", show("verdict", "Drawing the crops that were compared…")),
      button("What moved the similarity", show("maps", "Covering the faces piece by piece…")),
    );
  }

  return {
    paste: ([file]) => (sides.find((side) => !side.file) ?? sides[1]).put(file),
  };
}

function showSeam(verdict) {
  const seam = byId("seam");
  byId("versus").className = `versus${verdict ? (verdict.same ? " same" : " different") : ""}`;
  seam.textContent = verdict ? (verdict.same ? "=" : "≠") : "";
}

function verdictCard(verdict) {
  const kind = verdict.same ? "right" : "wrong";
  const fact = (name, value) => [make("dt", name), make("dd.figure", value)];
  const rate = verdict.threshold_fmr && `at ${oneIn(verdict.threshold_fmr)} false matches`;
  return make(
    `div.verdict-card.${kind}`,
    make(
      "div.verdict-head",
      make("h2", verdict.same ? "The same person" : "Different people"),
      verdict.probability !== null &&
        make(
          "p.probability",
          make("strong.figure", percent(verdict.probability)),
          " that they are one person",
        ),
    ),
    scoreLine(verdict.similarity, verdict.threshold),
    make(
      "dl.facts",
      fact("Similarity", decimal(verdict.similarity)),
      fact(
        "Threshold",
        [decimal(verdict.threshold), rate && make("span.muted", ` ${rate}`)].filter(Boolean),
      ),
      fact("Fitted on", verdict.threshold_fitted_on ?? "–"),
      fact("Model", verdict.model),
    ),
    verdict.warnings.map((warning) => notice(warning, { wrong: true })),
  );
}

function explaining(blob, which) {
  const address = URL.createObjectURL(blob);
  const words = {
    verdict:
      "Both photos, the crops that the network compares, and where their similarity lies between those of different people and of the same person",
    maps: "Maps of what in each face moved the similarity up or down",
  };
  return make(
    "figure",
    make("img", {
      src: address,
      alt: words[which],
      on: { load: () => URL.revokeObjectURL(address) },
    }),
    make("figcaption.small.muted", `${words[which]}.`),
  );
}

function refusal(error) {
  // The server calls the photos by their fields.
  const message = error.message
    .replaceAll("photo_a", "the first photo")
    .replaceAll("photo_b", "the second photo");
  return errorNotice(new ApiError(error.status, { ...error, message }, error.requestId));
}
