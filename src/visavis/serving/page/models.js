// Models: the one that decides here, those that are known, and the runs with their reports.

import { call } from "./api.js";
import { busy, byId, errorNotice, make, openDialog } from "./elements.js";
import { count, day } from "./words.js";

export function mountModels() {
  async function load() {
    byId("models-notice").replaceChildren();
    try {
      const { model, known } = await call("/models");
      const others = known.filter((other) => other.name !== model.name);
      const said = known.find((other) => other.name === model.name) ?? {};
      byId("models-list").replaceChildren(inUse({ ...said, ...model }), ...others.map(card));
    } catch (error) {
      byId("models-notice").replaceChildren(errorNotice(error));
    }
    try {
      const { runs } = await call("/runs");
      byId("runs").replaceChildren(
        runs.length
          ? table(runs)
          : make(
              "p.muted",
              "No runs here: start the server with --runs and a folder of trained runs.",
            ),
      );
    } catch (error) {
      byId("runs").replaceChildren(errorNotice(error));
    }
  }
  return { show: load };
}

const head = (name, badge) => make("div.model-head", make("h3", name), badge);

function inUse(model) {
  const fact = (words, value) => value != null && [make("dt", words), make("dd", value)];
  return make(
    "li.model.used",
    head(model.name, make("span.badge.right", "in use")),
    make("p.small", model.description),
    make(
      "dl.facts",
      ...[
        fact("Embedding", `${model.embedding_size} numbers, compared by ${model.distance}`),
        fact(
          "Calibration",
          model.calibrated ? `fitted on ${model.fitted_on}` : "none: it gives no probability",
        ),
        fact("Licence", model.licence),
        fact(
          "Fingerprint",
          make("code", { title: model.fingerprint }, model.fingerprint.slice(0, 16)),
        ),
      ]
        .flat()
        .filter(Boolean),
    ),
  );
}

const card = ({ name, description, licence }) =>
  make("li.model", head(name), make("p.small", description), make("p.small.muted", licence));

function table(runs) {
  const words = ["Run", "Accuracy", "AUC", "EER", "Network", "Made"];
  const columns = words.map((column) => make("th", { scope: "col" }, column));
  return make(
    "div.wide",
    { tabindex: "0", role: "region", "aria-label": "Runs" },
    make("table.runs", make("thead", make("tr", columns)), make("tbody", runs.map(row))),
  );
}

function row(run) {
  const cell = (words, ...children) => make("td.figure", { "data-column": words }, ...children);
  const name = run.report
    ? make(
        "button.link-button",
        { type: "button", on: { click: () => openReport(run.name) } },
        run.name,
      )
    : run.name;
  return make(
    "tr",
    make("th", { scope: "row" }, name, make("span.below", run.protocol)),
    cell("Accuracy", ...figure(run.accuracy, share)),
    cell("AUC", ...figure(run.auc, (value) => value.toFixed(4))),
    cell("EER", ...figure(run.eer, share)),
    cell(
      "Network",
      run.backbone ?? "–",
      run.parameters && make("span.below", count(run.parameters, "weight")),
    ),
    cell("Made", day(run.modified)),
  );
}

/** A measured share, which may well be 0 or 1; a probability may not. */
const share = (value) => `${(100 * value).toFixed(1)}\u00a0%`;

function figure(estimate, words) {
  if (!estimate) return ["–"];
  const { value, low, high } = typeof estimate === "number" ? { value: estimate } : estimate;
  return [words(value), low != null && make("span.below", `${words(low)} to ${words(high)}`)];
}

async function openReport(name) {
  const body = make("div.report", busy("Fetching the report…"));
  openDialog(`Report of ${name}`, body, { wide: true });
  try {
    const path = `/runs/${encodeURIComponent(name)}/pass`;
    const { address } = await call(path, { method: "POST" });
    // A report follows the system's light or dark, or what was chosen here.
    const { theme } = document.documentElement.dataset;
    // An empty sandbox: whatever a report holds, it runs nothing and reaches nothing of this page.
    body.replaceChildren(
      make("iframe", {
        sandbox: "",
        src: `${address.slice(1)}${theme ? `&theme=${theme}` : ""}`, // below where this page is
        title: `Report of ${name}`,
      }),
    );
  } catch (error) {
    body.replaceChildren(errorNotice(error));
  }
}
