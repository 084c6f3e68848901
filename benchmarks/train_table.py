"""The table of benchmarks/train.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Results = dict[str, Any]
"""Of one network; see ``measure`` in benchmarks/train.py."""
Cell = Callable[[Results], str]


def table(results: dict[str, Results]) -> Iterator[str]:
    """Markdown; a loop's ratio over 1 means that visavis is quicker than it."""
    yield f"| | {' | '.join(results)} |"
    yield "| --- " * (len(results) + 1) + "|"
    for title, cell in ROWS.items():
        yield f"| {title} | {' | '.join(cell(found) for found in results.values())} |"


def seconds(name: str, part: str = "train") -> Cell:
    return lambda found: f"{found['seconds'][name][part]:.2f} s" if has(found, name) else ""


def ratio(name: str, other: str) -> Cell:
    def cell(found: Results) -> str:
        if not (has(found, name) and has(found, other)):
            return ""
        return f"{found['seconds'][name]['train'] / found['seconds'][other]['train']:.2f}x"

    return cell


def memory(name: str) -> Cell:
    def cell(found: Results) -> str:
        return f"{found['seconds'][name]['memory'] / 1e9:.1f} GB" if has(found, name) else ""

    return cell


def has(found: Results, name: str) -> bool:
    return name in found["seconds"]


def rate(name: str, pairs: str) -> Cell:
    def cell(found: Results) -> str:
        return f"{found[pairs] / found['seconds'][name]['train']:,.0f}" if has(found, name) else ""

    return cell


def filling(found: Results) -> str:
    return f"{found['fill']['seconds'] / found['fill']['photos'] * 1000:.1f} s"


def pays(found: Results) -> str:
    gained = found["seconds"]["plain"]["train"] - found["seconds"]["visavis"]["train"]
    return f"{found['fill']['seconds'] / gained:.1f}" if gained > 0 else "never"


ROWS: dict[str, Cell] = {
    "visavis, an epoch": seconds("visavis"),
    "bare steps": seconds("bare"),
    "**visavis to bare steps**": ratio("visavis", "bare"),
    "plain two-tower loop": seconds("plain"),
    "… its workers": lambda found: str(found["workers"]),
    "**plain loop to visavis**": ratio("plain", "visavis"),
    "crops of 1,000 photos, once": filling,
    "… epochs until they pay": pays,
    "visavis with memory given back to kept": ratio("given back", "visavis"),
    "peak memory of visavis": memory("visavis"),
    "… memory given back": memory("given back"),
    "… of the plain loop": memory("plain"),
    "visavis with augmentation to without": ratio("augmented", "visavis"),
    "visavis in float32 to bfloat16": ratio("visavis", "bf16"),
    "listed pairs/s": rate("visavis", "pairs"),
    "pairs/s where every pair of a batch counts": rate("in-batch", "in-batch pairs"),
    "validation, an epoch": seconds("visavis", "validate"),
    "checkpoints, an epoch": seconds("visavis", "save_checkpoint"),
}
