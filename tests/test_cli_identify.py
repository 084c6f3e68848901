"""``visavis identify``: somebody, nobody, and what it says of bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from run_command import Run, runner_beside
from visavis.matching.gallery.gallery import Gallery
from visavis.models.model import Model


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, model: Model, samples: Path) -> Path:
    path = tmp_path_factory.mktemp("known") / "people.db"
    with Gallery(path, model) as gallery:
        gallery.enrol("Obama", [samples / "obama_2009.jpg", samples / "obama_2010.jpg"])
        gallery.enrol("Collins", [samples / "collins.jpg"])
    return path


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path, known: Path
) -> Run:
    return runner_beside(known, tmp_path, monkeypatch, capfd)


def test_somebody(run: Run, samples: Path) -> None:
    ran = run("identify", samples / "obama_2012.jpg")
    assert ran.code == 0
    first, why, _, header, *rows = ran.out.splitlines()
    assert first == "Obama"
    assert "reaches 0." in why
    assert "in 0.01 of all searches among 3 photos, fitted on one photo of each person" in why
    assert header.split("\t") == ["candidate", "similarity", "mean", "photos", "P(same)"]
    assert [row.split("\t")[0] for row in rows] == ["Obama", "Collins"]
    assert rows[0].endswith(">0.9999")


def test_nobody(run: Run, samples: Path) -> None:
    ran = run("identify", samples / "biden_2010.jpg")
    assert ran.code == 1
    assert ran.out.startswith("Nobody we know\n  the most alike is ")


def test_json(run: Run, samples: Path) -> None:
    plain = run("identify", samples / "obama_2012.jpg", "--json", "--top", 1).json
    assert (plain["person"], plain["nobody"]) == ("Obama", False)
    assert plain["probability"] > 0.99
    assert plain["similarity"] >= plain["threshold"]
    assert [candidate["name"] for candidate in plain["candidates"]] == ["Obama"]


def test_a_rarer_mistake_needs_more_likeness(run: Run, samples: Path) -> None:
    probe = samples / "biden_2010.jpg"
    thresholds = [
        run("identify", probe, "--fpir", rate, "--json").json["threshold"]
        for rate in ("0.1", "0.01", "0.000001")
    ]
    assert thresholds == sorted(set(thresholds))
    far = run("identify", probe, "--fpir", "1e-9")
    support = "8,150,703 comparisons support a false-match rate of 3.7e-06"
    assert f"and extrapolated: {support}" in far.out
    assert run("identify", probe, "--threshold", -1, "--margin", 0).code == 0


def test_many_photos(run: Run, samples: Path, tmp_path: Path) -> None:
    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    photos = [samples / "obama_2012.jpg", tmp_path / "black.png", samples / "biden_2010.jpg"]
    ran = run("identify", *photos)
    assert ran.code == 4
    header, *rows = (line.split("\t") for line in ran.out.splitlines())
    assert header[:2] == ["photo", "person"]
    assert [row[1] for row in rows] == ["Obama", "nobody"]
    assert "skipped: no face was found in" in ran.err
    plain = run("identify", *photos, "--json").json
    assert [answer["person"] for answer in plain["answers"]] == ["Obama", None]
    assert len(plain["skipped"]) == 1


def test_every_face(run: Run, samples: Path, tmp_path: Path) -> None:
    both = Image.new("RGB", (800, 500))
    for left, name in ((0, "collins"), (400, "obama_2012")):
        with Image.open(samples / f"{name}.jpg") as picture:
            both.paste(picture.resize((400, 500)), (left, 0))
    both.save(tmp_path / "both.png")
    answers = run("identify", "both.png", "--faces", "all", "--json").json["answers"]
    assert sorted(answer["person"] for answer in answers) == ["Collins", "Obama"]
    refused = run("identify", "both.png", "--faces", "one")
    assert refused.code == 2
    refused.one_sentence("both.png shows 2 faces")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("gone.jpg",), 2, ["gone.jpg does not exist"]),
        (("black.png",), 3, ["no face was found in black.png"]),
        (("black.png", "--fpir", "2"), 2, ["identification rate lies between 0 and 1, not 2"]),
        (("black.png", "-g", "gone.db"), 2, ["there is no gallery gone.db; enrol somebody first"]),
        (("black.png", "-g", "cut.db"), 2, ["cut.db is damaged or truncated", "restore"]),
    ],
)
def test_bad_input(run: Run, tmp_path: Path, arguments, code, words) -> None:
    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    (tmp_path / "cut.db").write_bytes((tmp_path / "people.db").read_bytes()[:-5000])
    ran = run("identify", *arguments)
    assert ran.code == code
    ran.one_sentence(*words)
    assert not (tmp_path / "gone.db").exists()


def test_another_models_gallery(run: Run, tmp_path: Path, samples: Path) -> None:
    from generated_models import write_model

    write_model(tmp_path / "drawn")
    ran = run("identify", samples / "collins.jpg", "--model", tmp_path / "drawn")
    assert ran.code == 2
    ran.one_sentence("was made with sface", "mean nothing to drawn", "use --model sface")


def test_neither_torch_nor_the_gallery_slows_verify_down() -> None:
    script = (
        "import sys, visavis.cli.verify, visavis.cli.app, visavis.matching.verify, json;"
        "visavis.cli.app.build_app('verify');"
        "slow = {'torch', 'sqlalchemy', 'alembic', 'faiss', 'cryptography'} & set(sys.modules);"
        "import visavis.matching.gallery.gallery;"
        "later = {'torch', 'alembic', 'faiss', 'cryptography'} & set(sys.modules);"
        "print(json.dumps([sorted(slow), sorted(later)]))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == [[], []]
