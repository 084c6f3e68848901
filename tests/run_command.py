"""A verb, run as the shell runs it: its words, its exit code."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from visavis.cli.app import main


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)

    def one_sentence(self, *words: str) -> None:
        lines = [line for line in self.err.splitlines() if line.startswith("visavis: ")]
        assert len(lines) == 1, self.err
        assert self.err.rstrip().endswith(lines[0])
        assert "Traceback" not in self.err
        for word in words:
            assert word in lines[0]


Run = Callable[..., Ran]


def runner(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """What runs the command in this process, through its own entry point."""

    def call(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["visavis", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capfd.readouterr()
        return Ran(int(stopped.value.code or 0), captured.out, captured.err)

    return call


def runner_beside(
    gallery: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """The same in a folder with a copy of a gallery, where it is found by its usual name."""
    shutil.copy(gallery, folder / "people.db")
    monkeypatch.chdir(folder)
    return runner(monkeypatch, capfd)
