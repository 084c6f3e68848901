// Frames of a video to the server and back: two on their way at most, so that none grows old.

import { call, formOf, isAbort } from "./api.js";
import { grabFrame } from "./camera.js";

const LONGEST = 640; // pixels of a frame's longer side
const IN_FLIGHT = 2; // one is computed while the next one travels
const PATIENCE = 1000; // milliseconds before another try after an error that names no time

export class LiveFrames {
  #canvas = new OffscreenCanvas(1, 1);
  #flights = new Set();
  #ended = new AbortController();
  #sent = 0;
  #shown = 0;
  #waitUntil = 0;

  /**
   * @param {HTMLVideoElement} video plays a camera
   * @param {object} given `onAnswer(answer, captured, frame)`, `onError(error)`
   */
  constructor(video, { onAnswer, onError }) {
    Object.assign(this, { video, onAnswer, onError });
    this.#next();
  }

  stop() {
    this.#ended.abort();
  }

  #next() {
    if (this.#ended.signal.aborted) return;
    this.video.requestVideoFrameCallback((now, frame) => {
      this.#next();
      if (this.#flights.size < IN_FLIGHT && now >= this.#waitUntil && !document.hidden) {
        // captureTime is the camera's own; not every camera tells it.
        this.#send(frame.captureTime ?? frame.presentationTime);
      }
    });
  }

  async #send(captured) {
    const number = ++this.#sent;
    this.#flights.add(number);
    const { signal } = this.#ended;
    try {
      const photo = await grabFrame(this.video, this.#canvas, LONGEST);
      const form = formOf({ faces: "all" });
      form.append("photo", photo, "frame.jpg");
      const answer = await call("/identify", { form, signal });
      if (number > this.#shown && !signal.aborted) {
        this.#shown = number;
        this.onAnswer(answer, captured, photo);
      }
    } catch (error) {
      if (isAbort(error)) return;
      this.#waitUntil = performance.now() + 1000 * (error.retryAfter ?? PATIENCE / 1000);
      this.onError(error);
    } finally {
      this.#flights.delete(number);
    }
  }
}
