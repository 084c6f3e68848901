// The lines between references and on-site photos.

import { makeSvg } from "./elements.js";
import { colourOf, decimal } from "./words.js";

const LABEL = 34; // pixels between a label's middle and the photo that it belongs to

/**
 * Draw a line for each pair, with its similarity and distance.
 * @param {SVGElement} svg lies over both columns
 * @param {HTMLElement} area what it lies over
 * @param {object[]} pairs of /v1/match, with the figures that they join as `from` and `to`
 */
export function drawLinks(svg, area, pairs) {
  const whole = area.getBoundingClientRect();
  svg.setAttribute("viewBox", `0 0 ${whole.width} ${whole.height}`);
  svg.replaceChildren();
  if (!whole.width) return; // the view is not shown
  for (const pair of pairs) {
    const start = edge(pair.from.figure, whole, "right");
    const end = edge(pair.to.figure, whole, "left");
    const bend = (end.x - start.x) / 2;
    const kind = pair.matched ? `link ${colourOf(pair.person)}` : "link nobody";
    svg.append(
      makeSvg("path", {
        class: kind,
        "data-onsite": pair.onsite_index,
        d: `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`,
      }),
    );
  }
  // Each on-site photo has one line: beside it a label stands clear of all others. Above all lines.
  for (const pair of pairs) {
    const end = edge(pair.to.figure, whole, "left");
    svg.append(words(pair, end.x - LABEL, end.y));
  }
}

function edge(figure, whole, side) {
  const box = figure.getBoundingClientRect();
  return { x: box[side] - whole.left, y: box.top + box.width / 2 - whole.top };
}

function words(pair, x, y) {
  const group = makeSvg("g", {
    class: pair.matched ? colourOf(pair.person) : "nobody",
    transform: `translate(${x} ${y})`,
  });
  const similarity = makeSvg("text", { class: "link-similarity", y: -7 });
  const distance = makeSvg("text", { class: "link-distance", y: 17 });
  similarity.textContent = decimal(pair.similarity);
  distance.textContent = `${pair.distance.toFixed(2)} apart`;
  group.append(similarity, distance);
  return group;
}
