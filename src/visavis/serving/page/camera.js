// The camera: opened, told apart, and let go. Nothing here keeps a picture.

/** Why there is no camera, in one sentence that says what to do. */
export function cameraProblem(error) {
  if (!navigator.mediaDevices) {
    return "Browsers give a page the camera only over https or on localhost: start the server with --tls-self-signed, or open this page on the machine that serves it.";
  }
  const known = {
    NotAllowedError:
      "The browser may not use the camera: allow it beside the address, and try again.",
    NotFoundError: "No camera was found on this device.",
    NotReadableError: "The camera is in use by another program: close that, and try again.",
    OverconstrainedError: "That camera is gone: choose another one.",
  };
  return known[error?.name] ?? `The camera cannot be used: ${error?.message ?? error}`;
}

/**
 * Show a camera in a video element, at 640x480 where it can.
 * @param {HTMLVideoElement} video
 * @param {string} [device] which one; by default the one that looks away from the user
 * @returns {Promise<MediaStream>}
 */
export async function openCamera(video, device = "") {
  if (!navigator.mediaDevices) throw new TypeError("no camera outside a secure context");
  const which = device ? { deviceId: { exact: device } } : { facingMode: { ideal: "environment" } };
  const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  const stream = await navigator.mediaDevices.getUserMedia({
    video: { ...which, ...size },
    audio: false,
  });
  video.srcObject = stream;
  await video.play();
  return stream;
}

export function closeCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

/** Fill a select with the cameras; it is hidden where there is no choice. */
export async function listCameras(select, stream) {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const cameras = devices.filter((device) => device.kind === "videoinput" && device.deviceId);
  const chosen = stream.getVideoTracks()[0].getSettings().deviceId;
  select.replaceChildren(
    ...cameras.map(
      (camera, number) =>
        new Option(
          camera.label || `Camera ${number + 1}`,
          camera.deviceId,
          false,
          camera.deviceId === chosen,
        ),
    ),
  );
  select.hidden = cameras.length < 2;
}

/** Whether the stream shows the user, who expects a mirror. */
export const looksAtUser = (stream) =>
  stream.getVideoTracks()[0].getSettings().facingMode === "user";

/**
 * The frame that a video shows now, as a JPEG.
 * @param {HTMLVideoElement} video
 * @param {OffscreenCanvas} canvas reused from frame to frame
 * @param {number} longest pixels of the longer side at most
 * @returns {Promise<Blob>}
 */
export function grabFrame(video, canvas, longest) {
  const scale = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight));
  const [width, height] = [
    Math.round(scale * video.videoWidth),
    Math.round(scale * video.videoHeight),
  ];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  // Read after each drawing, so it is drawn where it is read: not on a graphics card.
  canvas
    .getContext("2d", { alpha: false, willReadFrequently: true })
    .drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
}
