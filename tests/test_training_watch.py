"""What a run tells of itself while it trains."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from generated_faces import write_people
from visavis.cli import show
from visavis.data.source import open_source
from visavis.training import watch
from visavis.training.fit import fit
from visavis.training.recipe import Recipe

RECIPE = {
    "name": "tiny",
    "precision": "fp32",
    "data": {"validation": 0.3, "test": 0.3},
    "crop": {"width": 32, "height": 32, "colour": "grey", "template": "whole"},
    "net": {"backbone": "small", "options": {"filters": 4, "units": 8, "dropout": 0.0}},
    "head": {"kind": "euclidean"},
    "loss": [{"kind": "contrastive"}],
    "schedule": {"epochs": 4, "steps": 3, "monitor": "auc"},
    "batch": {"people": 4, "photos": 3},
}


def test_progress_is_told_in_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "APART", 0.0)
    write_people(tmp_path / "people", people=14, photos=3)
    told: list[tuple[str, int, int]] = []
    fit(
        Recipe.from_dict(RECIPE),
        open_source(f"folder:{tmp_path / 'people'}"),
        tmp_path / "run",
        progress=lambda *step: told.append(step),
    )
    pairs = 12 * 11 // 2 * 3
    steps = [(done, total) for stage, done, total in told if stage == "training"]
    assert steps == [(pairs * step // 3, pairs * 4) for step in range(1, 13)]
    news = [stage for stage, *_ in told if stage.startswith("training: ")]
    assert [line.split(",")[0] for line in news] == [
        f"training: epoch {n} of 4" for n in range(1, 5)
    ]
    assert all(word in news[0] for word in ("loss", "validation auc", "pairs/s", "left"))
    assert "left" not in news[-1]


def test_an_epoch_in_which_the_machine_slept_says_nothing_of_the_others(tmp_path: Path) -> None:
    known = [{"epoch": 1.0, "seconds": 10.0}, {"epoch": 2.0, "seconds": 3000.0}]
    (tmp_path / "history.json").write_text(json.dumps(known))
    told: list[str] = []
    trainer = SimpleNamespace(
        current_epoch=2,
        max_epochs=5,
        num_training_batches=1,
        callback_metrics={},
        is_global_zero=True,
    )
    watching = watch.Watch(tmp_path / "history.json", 10, True, lambda *step: told.append(step[0]))
    watching.on_train_epoch_start(trainer)
    watching.on_train_batch_end(trainer, None, None, 0)
    watching.on_train_epoch_end(trainer)  # the third, in no time
    assert told[-1].startswith("training: epoch 3 of 5")
    assert told[-1].endswith("at most 0:00:20 left")


def test_epochs_in_a_rush_are_not_all_told(tmp_path: Path) -> None:
    write_people(tmp_path / "people", people=14, photos=3)
    told: list[str] = []
    fit(
        Recipe.from_dict(RECIPE),
        open_source(f"folder:{tmp_path / 'people'}"),
        tmp_path / "run",
        progress=lambda stage, *_: told.append(stage),
    )
    news = [stage for stage in told if stage.startswith("training: ")]
    assert [line.split(",")[0] for line in news] == [f"training: epoch {n} of 4" for n in (1, 4)]


def test_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    with show.progress() as advance:
        for done in (1000, 2000):
            advance("training", done, 2000)
            advance(f"training: epoch {done // 1000} of 2, loss 0.1", done, 2000)
    assert capsys.readouterr().err.splitlines() == [
        "training (2,000)",
        "training: epoch 1 of 2, loss 0.1",
        "training: epoch 2 of 2, loss 0.1",
    ]


def test_a_bar_with_a_rate_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with show.progress():
        pass
    assert capsys.readouterr().err == ""  # nothing is drawn before there is something to show
    with show.progress() as advance:
        for done in (10, 1000, 2000):
            advance("training", done, 2000)
        advance("training: epoch 1 of 1, loss 0.1", 2000, 2000)
    err = capsys.readouterr().err
    assert "2000/2000" in err
    assert "/s" in err
    assert "training: epoch 1 of 1, loss 0.1" in err
