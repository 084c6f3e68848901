"""The model folder and the zoo: complete and unchanged, or one sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx import load_from_string

import visavis
from generated_evaluation import CALIBRATION, draw_scores
from generated_models import draw_encoder, draw_head, write_model
from visavis.errors import ModelError
from visavis.models.card import Card
from visavis.models.folder import CARD, ENCODER, fingerprint, read_folder, write_folder
from visavis.models.model import Model
from visavis.models.zoo import known_models, locate, materialise


@pytest.fixture
def folder(tmp_path) -> Path:
    write_model(tmp_path / "drawn")
    return tmp_path / "drawn"


def rewrite(folder: Path, **changes: object) -> None:
    """Change the card behind the folder's back."""
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, **changes}))


def refusal(folder: Path) -> str:
    """What is said about the folder, read or loaded, by either runtime."""
    messages = []
    for attempt in (
        lambda: read_folder(folder),
        lambda: Model(folder),
        lambda: Model(folder, "onnxruntime"),
    ):
        with pytest.raises(ModelError) as caught:
            attempt()
        messages.append(str(caught.value))
        assert "\n" not in messages[-1]
    return messages[0]


def test_round_trip(folder):
    card = read_folder(folder)
    full = card.model_copy(
        update={"calibration": CALIBRATION, "scores": draw_scores(), "figures": {"a": {"b": 1}}}
    )
    written = write_folder(folder / "again", full, {ENCODER: draw_encoder(), "README.md": b"hi"})
    assert read_folder(folder / "again") == written
    assert written.model_copy(update={"files": card.files}) == full
    assert set(written.files) == {ENCODER, "README.md"}
    assert sorted(p.name for p in (folder / "again").iterdir()) == ["README.md", CARD, ENCODER]


def test_a_changed_byte(folder):
    content = bytearray((folder / ENCODER).read_bytes())
    content[-1] ^= 1
    (folder / ENCODER).write_bytes(content)
    message = f"{folder / ENCODER} is damaged; remove {folder} and get the model again"
    assert refusal(folder) == message


def test_a_missing_file(folder):
    (folder / ENCODER).unlink()
    assert refusal(folder) == f"{folder} lacks {ENCODER}, which its card names"


def test_no_card(folder):
    (folder / CARD).unlink()
    assert refusal(folder) == f"{folder} is no model folder: it has no card.json"


def test_a_card_that_names_no_network(folder):
    rewrite(folder, files={})
    assert "names no encoder.onnx" in refusal(folder)


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/b", "..", "", "card.json"])
def test_a_card_that_names_files_elsewhere(folder, name):
    files = json.loads((folder / CARD).read_text())["files"]
    rewrite(folder, files={**files, name: "0" * 64})
    assert f"names a file outside its folder: {name}" in refusal(folder)


def test_a_newer_schema(folder):
    rewrite(folder, schema_version=2)
    assert "is of schema 2, and this visavis reads schema 1" in refusal(folder)


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", "\x00\xff", "null"])
def test_not_a_card(folder, text):
    (folder / CARD).write_text(text)
    assert str(folder / CARD) in refusal(folder)


def test_a_card_that_is_a_folder(folder):
    (folder / CARD).unlink()
    (folder / CARD).mkdir()
    assert f"{folder / CARD} cannot be read" in refusal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"surprise": 1},
        {"distance": "chebyshev"},
        {"embedding_size": 0},
        {"input": {"width": 6, "height": 8, "colour": "cmyk", "template": "arcface"}},
        {"input": {"width": 6, "height": 8, "colour": "rgb", "template": "tight"}},
        {"calibration": {"slope": 1, "intercept": 0, "prior": 2, "fitted_on": "", "pairs": 1}},
    ],
)
def test_wrong_fields(folder, changes):
    rewrite(folder, **changes)
    assert f"{folder / CARD}: {next(iter(changes))}" in refusal(folder)


def test_an_unknown_template_is_named_in_one_sentence(folder):
    rewrite(folder, input={"width": 6, "height": 8, "colour": "rgb", "template": "tight"})
    said = refusal(folder)
    assert "card.json: input.template: 'tight' is no crop template" in said
    assert "Value error" not in said
    assert "\n" not in said


def test_another_detector(folder):
    rewrite(folder, detector="0" * 64)
    with pytest.raises(ModelError, match="made with another face detector"):
        Model(folder)


def test_a_folder_that_cannot_be_written(folder):
    place = folder / ENCODER / "below a file"
    with pytest.raises(ModelError, match="cannot write the model folder"):
        write_folder(place, read_folder(folder), {ENCODER: draw_encoder()})


def test_the_card_vouches_for_files_that_are_there(folder, monkeypatch):
    """Interrupted before the last file, a folder has no card: it is never half a model."""
    card = read_folder(folder)

    def stop(path: Path, content: bytes) -> None:
        if path.name == "README.md":
            raise OSError(28, "No space left on device")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    monkeypatch.setattr("visavis.models.folder.write_atomically", stop)
    with pytest.raises(ModelError, match="No space left on device"):
        write_folder(folder / "new", card, {ENCODER: draw_encoder(), "README.md": b""})
    assert not (folder / "new" / CARD).exists()


def test_fingerprint_is_what_embeddings_mean(folder):
    card, encoder = read_folder(folder), draw_encoder()
    mark = fingerprint(card, encoder)
    assert mark == card.fingerprint
    words = load_from_string(encoder)
    words.producer_name = words.doc_string = "another machine"
    same = [
        fingerprint(card, words.SerializeToString()),
        fingerprint(card.model_copy(update={"calibration": CALIBRATION, "name": "b"}), encoder),
    ]
    assert same == [mark, mark]
    others = [
        fingerprint(card, encoder, draw_head()),
        fingerprint(card.model_copy(update={"detector": "0" * 64}), encoder),
        fingerprint(card.model_copy(update={"distance": "euclidean"}), encoder),
        *(
            fingerprint(card.model_copy(update={"input": spec}), encoder)
            for spec in (
                card.input.model_copy(update={"template": "loose"}),
                card.input.model_copy(update={"width": 7}),
            )
        ),
    ]
    assert len({mark, *others}) == len(others) + 1


def test_built_in_card(model):
    """What the wheel carries is what its card names."""
    card = read_folder(model.folder)
    assert fingerprint(card, (model.folder / ENCODER).read_bytes()) == card.fingerprint
    assert (card.name, card.embedding_size, card.distance) == ("sface", 128, "cosine")
    assert card.calibration is not None
    assert card.scores is not None
    assert [round(1 / threshold.fmr) for threshold in card.scores.standard] == [
        10**power for power in range(2, 7)
    ]


def test_materialised_once(model):
    folder = materialise("sface")
    times = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
    assert materialise("sface") == folder == locate("sface")
    assert [path.stat().st_mtime_ns for path in sorted(folder.iterdir())] == times


@pytest.mark.slow
def test_materialised_again_where_a_file_was_lost(model, tmp_path, monkeypatch):
    shutil.copytree(model.folder, tmp_path / "models" / model.folder.name)
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    (materialise("sface") / ENCODER).unlink()
    assert read_folder(materialise("sface")) == model.card


def test_a_network_that_is_not_the_card_s(tmp_path, monkeypatch):
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))
    monkeypatch.setattr("visavis.models.zoo.build_encoder", lambda entry: draw_encoder())
    with pytest.raises(ModelError, match="sface folded to another network"):
        materialise("sface")
    assert list(tmp_path.iterdir()) == []


def test_unknown_model():
    with pytest.raises(ModelError, match="no model nothing: neither a folder nor one of sface"):
        visavis.load("nothing")
    assert "sface" in known_models()


def test_a_folder_by_its_path(folder, monkeypatch):
    assert visavis.load(str(folder)).name == visavis.load(folder).name == "drawn"
    monkeypatch.chdir(folder.parent)
    assert visavis.load("drawn").card == Card.read(folder / CARD)
    crop = np.zeros((1, 8, 6, 3), np.uint8)
    assert visavis.load("./drawn").encode(crop).shape == (1, 4)
