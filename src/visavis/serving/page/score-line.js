// A similarity on a line, beside the threshold that decides.

import { make } from "./elements.js";
import { decimal } from "./words.js";

/**
 * The line is as long on both sides of the threshold, whatever the model's scale: a cosine, a
 * distance turned round, or a learned head's own figure.
 * @param {number} similarity larger is more alike
 * @param {number} threshold from here on it is the same person
 */
export function scoreLine(similarity, threshold) {
  const same = similarity >= threshold;
  const reach = Math.max(1.15 * Math.abs(similarity - threshold), 1.5 * Math.abs(threshold), 0.05);
  const at = `${50 + (50 * (similarity - threshold)) / reach}%`;
  const right = make("span");
  right.style.width = "50%"; // not a style attribute, which a strict policy refuses
  const tick = make("span.score-tick");
  const words = make("span.score-tick-words", `threshold ${decimal(threshold)}`);
  const dot = make("span.score-dot");
  tick.style.left = words.style.left = "50%";
  dot.style.left = at;
  return make(
    same ? "span.score" : "span.score.below",
    {
      role: "img",
      "aria-label": `similarity ${decimal(similarity)}, ${same ? "at or above" : "below"} the threshold of ${decimal(threshold)}`,
    },
    make("span.score-line", right),
    tick,
    words,
    dot,
  );
}
