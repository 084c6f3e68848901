"""``RESULTS.md``: a section for each model and protocol, written by the command behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from visavis.errors import DataError
from visavis.evaluation.evaluation import Evaluation
from visavis.evaluation.figures import LABELS
from visavis.files import write_output
from visavis.report.wording import (
    interval,
    number,
    pairs_counted,
    rate,
    value,
    verdict_sentence,
)

_BEGIN = re.compile(r"^<!-- visavis results: (.+) -->$", re.MULTILINE)


def write_section(path: Path, evaluation: Evaluation, command: str) -> None:
    """Add the evaluation's section to the Markdown file at ``path``, or replace it.

    Sections stand in the order of model and protocol, whatever was measured first; all other text
    of the file stays as it is. Writing the same evaluation twice changes nothing.

    Args:
        path: an existing UTF-8 file or a new one, in a folder that exists.
        evaluation: one section is kept for each model and protocol.
        command: the command line that measures it again.

    Raises:
        DataError: the file is not text, a section in it has no end, or it cannot be written.
    """
    key = section_key(evaluation.model, evaluation.protocol)
    put_section(path, key, section_text(evaluation, command))


def put_section(path: Path, key: str, content: str) -> None:
    """Add a section to the Markdown file at ``path``, or replace it where it stands.

    Args:
        path: an existing UTF-8 file or a new one, in a folder that exists.
        key: of the section, see ``section_key``; sections stand in the order of their keys.
        content: Markdown that ends in a newline.

    Raises:
        DataError: see ``write_section``.
    """
    text = _read(path)
    section = f"{_begin(key)}\n{content}{_end(key)}\n"
    begins = {found[1]: found.start() for found in _BEGIN.finditer(text)}
    ends = {name: _end_of(text, path, name, start) for name, start in begins.items()}
    later = min((begins[name] for name in begins if name > key), default=None)
    if key in begins:
        text = text[: begins[key]] + section + text[ends[key] :]
    elif later is not None:
        text = text[:later] + section + "\n" + text[later:]
    elif begins:
        last = max(ends.values())
        text = text[:last] + "\n" + section + text[last:]
    else:
        gap = "\n" if text.endswith("\n") else "\n\n"
        text = text + gap + section
    write_output(path, text.encode())


def section_text(evaluation: Evaluation, command: str) -> str:
    """The section as Markdown, without its markers."""
    figures = evaluation.figures
    lines = [
        f"## {cell(evaluation.model)}: {cell(evaluation.protocol)}",
        "",
        verdict_sentence(evaluation),
        "",
        "| Figure | Value | 95 % interval |",
        "| --- | ---: | :---: |",
    ]
    for name, estimate in figures.estimates():
        lines.append(f"| {LABELS[name]} | {value(estimate)} | {cell(interval(estimate))} |")
    lines += ["", f"{pairs_counted(figures)}; {figures.n_missed:,} of them with a missed face.", ""]
    if evaluation.fold_accuracy is not None:
        mean, error = evaluation.fold_accuracy
        lines += [
            (
                f"Accuracy over {len(evaluation.folds)} folds: {mean:.4f} ± {error:.4f} (mean ± "
                "standard error)."
            ),
            "",
        ]
    lines += _operating(evaluation)
    lines += [
        (
            f"Threshold {number(figures.threshold)}, fitted on {figures.threshold_fitted_on}. "
            f"Calibration fitted on {figures.calibration_fitted_on or 'nothing: there is none'}."
        ),
        "",
        "```sh",
        command,
        "```",
        "",
    ]
    return "\n".join(lines)


def _operating(evaluation: Evaluation) -> list[str]:
    points = [
        ("best accuracy" if point.threshold.fmr is None else rate(point.threshold.fmr), point)
        for point in evaluation.operating
    ]
    if evaluation.halfway is not None:
        points.append(("half-way", evaluation.halfway))
    if not points:
        return []
    rows = [
        f"| {label} | {number(point.threshold.value)} | {cell(str(value(point.fmr)))} "
        f"| {cell(interval(point.fmr))} | {value(point.fnmr)} | {cell(interval(point.fnmr))} "
        f"| {value(point.accuracy)} |"
        for label, point in points
    ]
    return [
        "| FMR asked for | Threshold | FMR | 95 % interval | FNMR | 95 % interval | Accuracy |",
        "| --- | ---: | ---: | :---: | ---: | :---: | ---: |",
        *rows,
        "",
    ]


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return "# Results\n"
    except UnicodeDecodeError:
        raise DataError(f"{path} is no UTF-8 text; name another file for the results") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def section_key(*names: str) -> str:
    """The key of what has these names, of word characters, spaces and single hyphens.

    Two hyphens in a row would end the comment that the key stands in.
    """
    return " ".join(re.sub(r"\W+", "-", name).strip("-").lower() for name in names)


def _begin(key: str) -> str:
    return f"<!-- visavis results: {key} -->"


def _end(key: str) -> str:
    return f"<!-- end of visavis results: {key} -->"


def _end_of(text: str, path: Path, key: str, start: int) -> int:
    mark = _end(key)
    place = text.find(mark, start)
    if place < 0:
        raise DataError(f"{path}: put back the line {mark}, or remove {_begin(key)}")
    after = place + len(mark)
    return after + 1 if text[after : after + 1] == "\n" else after


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table, its first column to the left; see ``cell``."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]


def cell(text: str) -> str:
    """Text that stands in one cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
