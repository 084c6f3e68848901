// Where photos come in: dropped, chosen, pasted or taken. The page holds them in memory only.

import { takePhotos } from "./camera-dialog.js";
import { button, icon, make } from "./elements.js";

/** The well itself: it asks for photos, and hands them on. */
export class PhotoWell {
  /**
   * @param {HTMLElement} host becomes the well
   * @param {object} given `label`: what belongs in it; `hint`; `many`: more than one photo;
   *   `onPhotos(files)`
   */
  constructor(host, { label, hint = "", many = false, onPhotos }) {
    this.host = host;
    this.many = many;
    this.hand = (files) => files.length && onPhotos(many ? files : files.slice(0, 1));
    host.classList.add("well");
    host.setAttribute("role", "group");
    host.setAttribute("aria-label", label);
    this.ask = this.#makeAsk(label, hint);
    host.append(this.ask);
    this.#listen();
  }

  #makeAsk(label, hint) {
    const file = make("input.unseen", {
      type: "file",
      "aria-label": `${label}: choose`,
      accept: "image/*,.heic,.heif",
      multiple: this.many,
    });
    file.addEventListener("change", () => {
      this.hand([...file.files]);
      file.value = ""; // so that the same file can be chosen again
    });
    const camera = button([icon("camera"), "Camera"], async () =>
      this.hand(await takePhotos({ many: this.many })),
    );
    const choose = make("label.button", file, "Choose");
    return make(
      "div.well-ask",
      icon("photo", "large"),
      make("strong", label),
      make("p", hint || "Drop it here, or paste it"),
      make("div.well-buttons", choose, camera),
    );
  }

  #listen() {
    let depth = 0; // dragenter and dragleave also tell of the children
    const over = (change) => {
      depth = Math.max(0, depth + change);
      this.host.classList.toggle("over", depth > 0);
    };
    this.host.addEventListener("dragenter", () => over(1));
    this.host.addEventListener("dragleave", () => over(-1));
    this.host.addEventListener("dragover", (event) => event.preventDefault());
    this.host.addEventListener("drop", (event) => {
      event.preventDefault();
      over(-depth);
      this.hand(photosOf(event.dataTransfer));
    });
  }
}

/** The photos among what was pasted or dropped. */
export const photosOf = (transfer) =>
  [...(transfer?.files ?? [])].filter((file) => !file.type || file.type.startsWith("image/"));

/** A photo as a picture; a format that the browser cannot show stands by its name. */
export function picture(file, words) {
  const address = URL.createObjectURL(file);
  const image = make("img", { src: address, alt: words });
  image.addEventListener("load", () => URL.revokeObjectURL(address));
  image.addEventListener("error", () => {
    URL.revokeObjectURL(address);
    image.replaceWith(make("span.gone", file.name));
  });
  return image;
}

export function dropOut(words, listener) {
  return make(
    "button.drop-out",
    { type: "button", "aria-label": words, title: words, on: { click: listener } },
    icon("close"),
  );
}
