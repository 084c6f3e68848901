// A name that Live showed is said to be wrong: the frame that it was shown for is what is sent.

import { zoom } from "./boxes.js";
import { call, formOf } from "./api.js";
import { button, errorNotice, make, openDialog } from "./elements.js";
import { picture } from "./photo-well.js";

/**
 * Ask once more, then tell the server.
 * @param {object} sighting `answer`: of a face that was named; `photo`: the size of its frame;
 *   `frame`: the frame itself
 * @param {(words: string) => void} done
 */
export function tellWrong({ answer, photo, frame }, done) {
  const { person, candidates, face } = answer;
  const window = make("div.window.doubted", picture(frame, `The face that was called ${person}`));
  zoom(window, face.box, photo);
  const place = make("div", { "aria-live": "polite" });
  const sure = button(`This is not ${person}`, tell, "primary", { autofocus: true });
  const dialog = openDialog(
    `Not ${person}?`,
    make(
      "div",
      window,
      make(
        "p",
        `This face, and any that looks nearly the same, is not called ${person} again. That is noted in the gallery for good.`,
      ),
      place,
      make(
        "div.actions",
        button("Cancel", () => dialog.close()),
        sure,
      ),
    ),
  );

  async function tell() {
    sure.disabled = true;
    try {
      const form = formOf({ box: face.box });
      form.append("photo", frame, "frame.jpg");
      await call(`/people/${candidates[0].id}/not`, { form });
      dialog.close();
      done(`Noted: this face is not called ${person} again.`);
    } catch (error) {
      place.replaceChildren(errorNotice(error));
      sure.disabled = false;
      sure.focus();
    }
  }
}
