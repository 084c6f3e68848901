"""The README's words hold: its commands exist, and its figures are those of RESULTS.md."""

import re
from pathlib import Path

import pytest

from visavis.evaluation.figures import LABELS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_results_page() -> None:
    results = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
    sections = {view: results.split(f"LFW View {view}", 1)[1] for view in (1, 2)}
    rows = re.findall(
        r"^\| View (\d)[^,|]*, ([^|]+) \| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \|", README, re.M
    )
    assert len(rows) >= 6
    for view, label, *numbers in rows:
        section = sections[int(view)]
        assert label in LABELS.values()
        line = next(line for line in section.splitlines() if line.startswith(f"| {label} |"))
        for number in numbers:
            assert number in line


@pytest.mark.parametrize("target", re.findall(r"\bmake (\w+)", README))
def test_the_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_the_links_lead_somewhere(link: str) -> None:
    assert link.startswith("http") or (ROOT / link).exists()
