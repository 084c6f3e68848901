// Live: the camera's picture, each face boxed and named, and beside it why.

import { cameraProblem, closeCamera, listCameras, openCamera } from "./camera.js";
import { button, byId, errorNotice, notice } from "./elements.js";
import { LiveFrames } from "./live-frames.js";
import { LiveMetrics } from "./live-metrics.js";
import { showSightings } from "./sightings.js";
import { tellWrong } from "./wrong-answer.js";

const TOLD_EVERY = 250; // milliseconds: figures that change with each frame cannot be read

export function mountLive() {
  const video = byId("live-video");
  const cameras = byId("live-camera");
  const off = byId("live-rate").textContent;
  let frames = null;
  let metrics = null;
  let told = 0;
  let names = "";

  async function start(device) {
    byId("live-start").disabled = true;
    byId("live-notice").replaceChildren();
    try {
      const stream = await openCamera(video, device);
      if (byId("live").hidden) return closeCamera(video); // the user went away meanwhile
      await listCameras(cameras, stream);
      byId("screen").style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
      show(true);
      byId("live-rate").textContent = "Looking…";
      stream.getVideoTracks()[0].addEventListener("ended", onUnplugged);
      metrics = new LiveMetrics();
      frames = new LiveFrames(video, { onAnswer, onError });
    } catch (error) {
      byId("live-notice").replaceChildren(notice(cameraProblem(error), { wrong: true }));
    } finally {
      byId("live-start").disabled = false;
    }
  }

  function stop() {
    byId("live-noted").replaceChildren();
    frames?.stop();
    frames = null;
    closeCamera(video);
    show(false);
    showSightings({ answers: [] });
    byId("live-rate").textContent = off;
  }

  function show(on) {
    byId("curtain").hidden = on;
    byId("live-stop").hidden = !on;
    cameras.hidden ||= !on;
    for (const key of ["liveFrames", "liveFps", "liveP50", "liveP95"])
      delete document.body.dataset[key];
  }

  function onAnswer(answer, captured, frame) {
    showSightings({ ...answer, frame, onWrong });
    byId("live-notice").replaceChildren();
    // Not before the labels are painted is a frame done.
    requestAnimationFrame(() => {
      metrics.add(captured);
      tellFigures();
    });
    tellNames(answer);
  }

  function onWrong(sighting) {
    tellWrong(sighting, (words) => {
      const close = button("Close", () => byId("live-noted").replaceChildren());
      byId("live-noted").replaceChildren(notice(words, { action: close }));
    });
  }

  function onError(error) {
    if (frames) byId("live-notice").replaceChildren(errorNotice(error));
  }

  function onUnplugged() {
    stop();
    const words = "The camera was taken away: connect it, and start again.";
    byId("live-notice").replaceChildren(notice(words, { wrong: true }));
  }

  function tellFigures() {
    const now = performance.now();
    if (!frames || metrics.count < 2 || now - told < TOLD_EVERY) return;
    told = now;
    const [fps, p50, p95] = [
      metrics.framesPerSecond,
      metrics.percentile(0.5),
      metrics.percentile(0.95),
    ];
    byId("live-rate").textContent =
      `${fps.toFixed(1)} frames a second · ${p50.toFixed(0)} ms from camera to label, 95 % within ${p95.toFixed(0)} ms`;
    // For whoever measures the page from outside.
    Object.assign(document.body.dataset, {
      liveFrames: metrics.count,
      liveFps: fps.toFixed(2),
      liveP50: p50.toFixed(1),
      liveP95: p95.toFixed(1),
    });
  }

  /** To a screen reader: who came and went, not every frame. */
  function tellNames({ answers }) {
    const now = answers
      .map((answer) => answer.person ?? "somebody unknown")
      .sort()
      .join(", ");
    if (now === names) return;
    names = now;
    byId("live-said").textContent = now ? `In view: ${now}` : "Nobody is in view";
  }

  byId("live-start").addEventListener("click", () => start());
  byId("live-stop").addEventListener("click", () => {
    stop();
    byId("live-start").focus();
  });
  cameras.addEventListener("change", () => {
    const device = cameras.value;
    stop();
    start(device);
  });
  return { hide: stop };
}
