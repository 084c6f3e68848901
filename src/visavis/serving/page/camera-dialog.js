// Photos from the camera, one or several, taken in a dialog.

import {
  cameraProblem,
  closeCamera,
  grabFrame,
  listCameras,
  looksAtUser,
  openCamera,
} from "./camera.js";
import { button, icon, make, notice, openDialog } from "./elements.js";

const LONGEST = 1920; // pixels: a photo is taken in full, unlike a frame of Live
let taken = 0; // in all: photos of two dialogs are two photos, and in Match two people

/**
 * Let the user take photos.
 * @param {object} [how] `many`: more than one
 * @returns {Promise<File[]>} none where the dialog was closed
 */
export function takePhotos({ many = false } = {}) {
  return new Promise((resolve) => {
    const photos = [];
    const video = make("video", { playsinline: true, "aria-label": "The camera's picture" });
    video.muted = true;
    const finder = make("div.finder", video);
    const cameras = make("select", { "aria-label": "Camera", hidden: true });
    const strip = make("div.taken", { hidden: !many, "aria-live": "polite" });
    const shutter = button([icon("camera"), "Take photo"], shoot, "primary", {
      disabled: true,
      autofocus: true,
    });
    const done = many && button("Cancel", () => dialog.close());
    const body = make("div", finder, strip, make("div.actions", cameras, done, shutter));
    const dialog = openDialog(many ? "Take photos" : "Take a photo", body);
    const canvas = new OffscreenCanvas(1, 1);

    async function start(device) {
      closeCamera(video);
      try {
        const stream = await openCamera(video, device);
        if (!dialog.open) return closeCamera(video); // closed while the user was asked
        finder.classList.toggle("mirrored", looksAtUser(stream));
        await listCameras(cameras, stream);
        shutter.disabled = false;
        shutter.focus();
      } catch (error) {
        body.replaceChildren(notice(cameraProblem(error), { wrong: true }));
      }
    }

    async function shoot() {
      const blob = await grabFrame(video, canvas, LONGEST);
      photos.push(new File([blob], `camera-${(taken += 1)}.jpg`, { type: blob.type }));
      if (!many) return dialog.close();
      const address = URL.createObjectURL(blob);
      strip.append(
        make("img", {
          src: address,
          alt: `Photo ${photos.length}`,
          on: { load: () => URL.revokeObjectURL(address) },
        }),
      );
      done.textContent = photos.length === 1 ? "Use 1 photo" : `Use ${photos.length} photos`;
    }

    cameras.addEventListener("change", () => start(cameras.value));
    dialog.addEventListener("close", () => {
      closeCamera(video);
      resolve(photos);
    });
    start();
  });
}
