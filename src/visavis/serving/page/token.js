// The access token: it comes with the address that the server prints, and stays for this tab only.

import { button, byId, make, openDialog } from "./elements.js";
import { sentence } from "./words.js";

const KEPT = "visavis-token";

/** Take the token out of the address, where it would stay in the history and be copied along. */
export function takeTokenFromAddress() {
  const found = /(?:^#|[#&])token=([^&]+)/.exec(location.hash);
  if (!found) return;
  keepToken(decodeURIComponent(found[1]));
  history.replaceState(null, "", `${location.pathname}#/compare`);
}

export const token = () => sessionStorage.getItem(KEPT);

function keepToken(given) {
  sessionStorage.setItem(KEPT, given);
}

let asking = false;

/**
 * Ask for a token; one dialog however many requests were refused.
 * @param {string} [why] the server's words on the one that there was
 */
export function askForToken(why = "") {
  if (asking) return;
  asking = true;
  const field = make("input", {
    type: "password",
    name: "token",
    required: true,
    autocomplete: "off",
    autofocus: true,
  });
  const form = make(
    "form",
    make("p", "The server printed it when it started, with the address of this page."),
    why && make("p.small.muted", sentence(why)),
    make("label", "Access token", field),
    make(
      "div.actions",
      token() && button("Forget it", forgetToken, "danger"),
      make("button.button.primary", { type: "submit" }, "Use it"),
    ),
  );
  const dialog = openDialog("Access token", form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(field.value.trim());
    dialog.close();
    byId("main").dispatchEvent(new Event("token"));
  });
  dialog.addEventListener("close", () => {
    asking = false;
  });
}

function forgetToken() {
  sessionStorage.removeItem(KEPT);
  location.reload();
}
