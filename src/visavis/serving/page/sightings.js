// The faces of one frame: a box with a name on the picture, and a card that says why beside it.

import { place } from "./boxes.js";
import { button, byId, make } from "./elements.js";
import { scoreLine } from "./score-line.js";
import { count, decimal, percent, sentence } from "./words.js";

const FACE = 104; // pixels of the face on a card
const CARDS_EVERY = 250; // milliseconds: cards that change with each frame cannot be read
let drawn = { names: "", at: 0, cards: [] };

/**
 * Show what the server answered for a frame, from left to right.
 * @param {object} answer of /v1/identify, with the `frame` that was sent, and `onWrong`, which is
 *   told of the card whose name is said to be wrong: `{answer, photo, frame}`
 */
export function showSightings({ answers, photo, frame, onWrong }) {
  const sorted = answers.toSorted((a, b) => a.face.box[0] - b.face.box[0]);
  byId("boxes").replaceChildren(...sorted.map((answer) => boxOf(answer, photo)));
  const names = JSON.stringify(sorted.map((answer) => answer.person));
  const same = names === drawn.names;
  if (same && performance.now() - drawn.at < CARDS_EVERY) return;
  const cards = same ? drawn.cards : sorted.map(({ person }) => new Card(person, onWrong));
  if (!same) putCards(cards);
  sorted.forEach((answer, i) => cards[i].show({ answer, photo, frame }));
  drawn = { names, at: performance.now(), cards };
}

/** Cards in place of those before; the focus stays with its name, or goes to the view's heading. */
function putCards(cards) {
  const list = byId("sightings");
  const focused = list.contains(document.activeElement) && document.activeElement.closest("li");
  list.replaceChildren(...cards.map((card) => card.element));
  if (!focused) return;
  const again = cards.find((card) => card.element.dataset.person === focused.dataset.person);
  (again?.wrong ?? byId("live-title")).focus();
}

function boxOf({ person, probability, face }, photo) {
  const label = make(
    "span.face-name",
    person ?? "unknown",
    person && make("small.figure", percent(probability)),
  );
  const [left, top, width] = face.box;
  const box = place(make(`div.face-box.${person ? "known" : "unknown"}`), face.box, photo);
  box.classList.toggle("low", top < 0.12 * photo.height); // no room above the face
  box.classList.toggle("late", left + width / 2 > 0.6 * photo.width);
  box.append(label);
  return box;
}

/** A face's card. What it says changes with the frames; its button stays, to be pressed. */
class Card {
  constructor(person, onWrong) {
    this.person = person;
    this.why = make("div");
    this.wrong =
      person && button(`This is not ${person}`, () => onWrong({ ...this.shown }), "wrong-name", {
        title: `This is not ${person}`,
      });
    this.element = make(
      person ? "li.sighting" : "li.sighting.unknown",
      { "data-person": person ?? "" },
      this.why,
      this.wrong,
    );
  }

  show({ answer, photo, frame }) {
    this.shown = { answer, photo, frame };
    const { probability, similarity, threshold } = answer;
    this.why.replaceChildren(
      ...[
        make(
          "div.sighting-head",
          cutOut(answer.face, photo),
          make("h3", { title: this.person }, this.person ?? "unknown"),
          this.person && make("p.figure", percent(probability)),
        ),
        similarity !== null && scoreLine(similarity, threshold),
        make("dl.facts.figure", ...factsOf(answer)),
        make("p.small.muted", sentence(answer.why)),
        ...answer.warnings.map((warning) => make("p.small.warning", sentence(warning))),
      ].filter(Boolean),
    );
  }
}

/** The face, cut out of what the camera shows now: which card is whose. */
function cutOut({ box: [left, top, width, height] }, photo) {
  const canvas = make("canvas.sighting-face", { width: FACE, height: FACE, "aria-hidden": "true" });
  const video = byId("live-video");
  const scale = video.videoWidth / photo.width;
  const side = 1.5 * Math.max(width, height);
  const from = [left + (width - side) / 2, top + (height - side) / 2, side, side];
  canvas.getContext("2d").drawImage(video, ...from.map((value) => scale * value), 0, 0, FACE, FACE);
  return canvas;
}

function factsOf({ similarity, threshold, threshold_photos: photos, margin, candidates }) {
  const fact = (name, value, more) => [
    make("dt", name),
    make("dd", value, more && make("span.muted", ` ${more}`)),
  ];
  const [first, second] = candidates;
  const ahead = second ? decimal(first.similarity - second.similarity) : "–";
  return [
    similarity !== null && fact("Similarity", decimal(similarity), first && `with ${first.name}`),
    fact("Threshold", decimal(threshold), `for a gallery of ${count(photos, "photo")}`),
    fact(
      "Margin",
      ahead,
      second ? `ahead of ${second.name}; needs ${decimal(margin)}` : "nobody else to tell apart",
    ),
  ]
    .flat()
    .filter(Boolean);
}
