"""One training run as one self-contained HTML file: the evaluation's report, and how it came."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from visavis.evaluation.figures import LABELS
from visavis.files import write_output
from visavis.report.face_map import HEIGHT, WIDTH, face_maps
from visavis.report.html import evaluation_content, small_page
from visavis.report.run_file import Run, SavedRun, load_run, save_run
from visavis.report.run_plots import learning_curves
from visavis.report.search import searches
from visavis.report.toml import as_toml
from visavis.report.wording import count, duration, rate

__all__ = ["Run", "SavedRun", "load_run", "run_html", "save_run", "write_run_report"]

_STOPPED = {
    "all epochs": "all epochs of the recipe were done",
    "patience": "the validation figure had not improved for as long as the recipe waits",
    "nothing to learn": "the recipe has no loss: the network was calibrated as it is",
    "budget": "stopped by budget: its time was up, and the best epoch so far was kept",
}


def write_run_report(path: Path, run: Run, command: str = "") -> None:
    """Write the report to ``path``, whole or not at all.

    It shows what ``visavis.report.html.write_report`` shows of the test, and learning curves, the
    recipe, maps of the test embeddings, and, where the test photos were searched for, the five
    nearest faces of a sample of them, recall@k and N-way one-shot accuracy. The same run gives the
    same bytes.

    Args:
        path: an ``.html`` file to write or replace, in a folder that exists.
        run: its photos are opened once more for their thumbnails.
        command: the command line that makes the run again.

    Raises:
        DataError: the folder is missing or not writable, or the disk is full.
    """
    write_output(path, run_html(run, command).encode("utf-8", "replace"))


def run_html(run: Run, command: str = "") -> str:
    """The report as one page, see ``write_run_report``."""
    searched = run.evaluation.searched
    content = evaluation_content(run.evaluation, command) | {
        "run": run,
        "facts": _facts(run),
        "alarms": _alarms(run),
        "curves": [(plot, Markup(plot.svg)) for plot in learning_curves(run)],  # noqa: S704
        "recipe": as_toml(run.card.recipe or {}),
        "searches": [] if searched is None else searches(searched),
        "maps": face_maps(run.embeddings, run.faces),
        "box": (WIDTH, HEIGHT),
    }
    return small_page(content, "run.html.j2")


def _alarms(run: Run) -> list[str]:
    """What must be read before any figure."""
    alarms = [f"{reason[:1].upper()}{reason[1:].rstrip('.')}." for reason in run.warnings]
    if run.training.get("stopped") == "budget":
        alarms.append(
            "Stopped by budget: training was cut short, so the figures are those of the best epoch "
            "so far, and more time may do better."
        )
    return alarms


def _facts(run: Run) -> dict[str, str]:
    """How training went, in words; what is not known is left out."""
    training = run.training
    monitor = LABELS.get(training.get("monitor", ""), "")
    facts: dict[str, str] = {"Data": training.get("words", "")}
    if run.best_epoch is not None:
        facts["Best epoch"] = f"{run.best_epoch} of {training.get('epochs', len(run.history))}"
        facts["Best epoch"] += f", best {monitor} on the validation pairs" if monitor else ""
    if training.get("seconds"):
        facts["Time"] = duration(training["seconds"])
    if run.seconds_to_best is not None:
        facts["Time to converge"] = (
            f"{duration(run.seconds_to_best)}, until the best epoch was done"
        )
    stopped = training.get("stopped", "")
    facts["Ended because"] = _STOPPED.get(stopped, stopped)
    if training.get("parameters"):
        facts["Parameters"] = f"{training['parameters']:,}"
    spec = run.card.input
    facts["Input"] = f"{spec.width}x{spec.height} pixels, {spec.colour}, crop {spec.template}"
    facts["Embedding"] = f"{count(run.card.embedding_size, 'number')}, by {run.card.distance}"
    if training.get("onnx_difference") is not None:
        facts["ONNX beside torch"] = f"differs by at most {rate(training['onnx_difference'], 1)}"
    facts["Outside data"] = run.card.outside_data
    return {name: fact for name, fact in facts.items() if fact}
