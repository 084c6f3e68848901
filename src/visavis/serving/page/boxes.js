// Boxes around faces, over a picture that is scaled and perhaps cropped at its edges.

import { make } from "./elements.js";

/**
 * Put an element where a face is, in per cent, so that it stays there at every size.
 * @param {HTMLElement} element within a layer as large as the picture
 * @param {number[]} box left, top, width, height in pixels of the photo
 * @param {{width: number, height: number}} photo
 */
export function place(element, [left, top, width, height], photo) {
  Object.assign(element.style, {
    left: `${(100 * left) / photo.width}%`,
    top: `${(100 * top) / photo.height}%`,
    width: `${(100 * width) / photo.width}%`,
    height: `${(100 * height) / photo.height}%`,
  });
  return element;
}

export const faceBox = (face, photo, classes = "") =>
  place(make(`div.face-box${classes}`), face.box, photo);

const AROUND = 2.2; // sides of a face that a window on it shows

/**
 * Move a photo within its square window so that the window shows one face.
 * @param {HTMLElement} window holds the picture, and cuts off what reaches past it
 * @param {number[]} box of the face
 * @param {{width: number, height: number}} photo
 */
export function zoom(window, [left, top, width, height], photo) {
  const side = Math.min(AROUND * Math.max(width, height), photo.width, photo.height);
  const from = (middle, whole) => Math.min(Math.max(middle - side / 2, 0), whole - side);
  window.classList.add("zoomed");
  Object.assign(window.firstElementChild.style, {
    width: `${(100 * photo.width) / side}%`,
    left: `${(-100 * from(left + width / 2, photo.width)) / side}%`,
    top: `${(-100 * from(top + height / 2, photo.height)) / side}%`,
  });
}
