"""Training from weights that others published, and on from models of ours."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import test_cli
from generated_faces import write_people
from test_cli import Ran, one_sentence
from visavis.data.source import open_source
from visavis.errors import DataError, ModelError
from visavis.models.folder import WEIGHTS
from visavis.models.model import Model
from visavis.models.zoo import known_weights
from visavis.nets.backbones import build_backbone
from visavis.nets.backbones.backbone import Backbone
from visavis.nets.input import Input
from visavis.training import weights
from visavis.training.finish import make_model
from visavis.training.fit import fit
from visavis.training.parts import build_parts
from visavis.training.recipe import Recipe

Run = Callable[..., Ran]
run = test_cli.run

SMALL_NET = {"backbone": "small", "embedding": 8, "options": {"filters": 4, "units": 8}}
# The published preprocessing, as numbers: (x - mean) / std of pixels in 0..1.
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
VGGFACE2 = ([127.5 / 255] * 3, [128 / 255] * 3)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "people"
    return write_people(folder, people=12, photos=2, size=80)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def publish(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, bytes, str], str]]:
    """Serve a file as the public weights of a name, with a hash; its address comes back."""
    served: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(served[self.path])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def add(name: str, content: bytes, sha256: str) -> str:
            served[f"/{name}.pth"] = content
            url = f"http://127.0.0.1:{server.server_port}/{name}.pth"
            entry = {name: {"url": url, "sha256": sha256}}
            monkeypatch.setattr(weights, "known_weights", lambda: entry)
            return url

        yield add
        server.shutdown()
        thread.join()


def recipe(net: dict, side: int = 64, **changes: object) -> Recipe:
    """One epoch of two steps on whole photos, so that no face need be found."""
    return Recipe.from_dict({
        "name": "started",
        "precision": "fp32",
        "data": {"validation": 0.3, "test": 0.3},
        "crop": {"width": side, "height": side, "colour": "rgb", "template": "whole"},
        "net": net,
        "loss": [{"kind": "triplet"}],
        "schedule": {"epochs": 1, "steps": 2, "monitor": "auc"},
        "batch": {"people": 4, "photos": 2},
        **changes,
    })  # fmt: skip


def drawn(backbone: str, side: int) -> dict[str, torch.Tensor]:
    """Random weights in the published layout, without the classifier."""
    torch.manual_seed(5)
    state = build_backbone(backbone, Input(side, side, "rgb", "whole")).state_dict()
    for name, tensor in state.items():
        if name.endswith(("running_mean", "bias")):
            tensor.uniform_(-0.1, 0.1)
    return state


def saved(state: dict[str, torch.Tensor], **options: bool) -> tuple[bytes, str]:
    """The file's bytes and their sha256."""
    file = io.BytesIO()
    torch.save(state, file, **options)
    return file.getvalue(), hashlib.sha256(file.getvalue()).hexdigest()


def features(
    backbone: Backbone, crops: np.ndarray, preprocessing: tuple[list[float], list[float]]
) -> np.ndarray:
    """What the published network computes of crops, in full; of length 1."""
    mean, std = (torch.tensor(numbers).view(1, 3, 1, 1) for numbers in preprocessing)
    images = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        return functional.normalize(backbone.eval()((images - mean) / std)).numpy()


# Of each backbone: its weights' name, a small crop, the published preprocessing, its classifier.
PUBLISHED = {
    "alexnet": ("imagenet", 64, IMAGENET, {"classifier.6.weight": torch.ones(5, 3)}),
    "facenet": ("vggface2", 80, VGGFACE2, {"logits.bias": torch.ones(5)}),
}


@pytest.mark.parametrize(
    "backbone",
    ["alexnet", pytest.param("facenet", marks=pytest.mark.slow)],
)
def test_public_weights_frozen_under_a_head(publish, people, tmp_path, backbone):
    name, side, preprocessing, classifier = PUBLISHED[backbone]
    state = drawn(backbone, side)
    # facenet-pytorch's file is in torch's format from before 1.6.
    zipped = backbone != "facenet"
    content, sha256 = saved({**state, **classifier}, _use_new_zipfile_serialization=zipped)
    publish(f"{backbone}-{name}", content, sha256[:8])
    net = {"backbone": backbone, "pretrained": name, "frozen": "all"}
    chosen = recipe(net, side, head={"kind": "mlp"}, loss=[{"kind": "bce"}])
    fitted = fit(chosen, open_source(f"folder:{people}"), tmp_path / "run")
    assert fitted.parts.cached
    make_model(chosen, fitted, tmp_path / "run" / "model")
    exact = Model.load(tmp_path / "run" / "model", runtime="onnxruntime")  # in float32
    published = build_backbone(backbone, Input(side, side, "rgb", "whole"))
    published.load_state_dict(state)
    crops = np.random.default_rng(3).integers(0, 256, (4, side, side, 3), dtype=np.uint8)
    expected = features(published, crops, preprocessing)
    np.testing.assert_allclose(exact.encode(crops), expected, atol=2e-5)
    unscaled = features(published, crops, ([0.0] * 3, [1.0] * 3))
    assert np.abs(unscaled - expected).max() > 5e-4  # random networks see little


def test_public_files_are_kept_without_pickle_and_fetched_once(publish, cache):
    state = drawn("alexnet", 64)
    publish("alexnet-imagenet", *saved(state))
    chosen = recipe({"backbone": "alexnet", "pretrained": "imagenet"})
    build_parts(chosen)
    (kept,) = (cache / "weights").iterdir()
    assert kept.suffix == ".safetensors"
    publish("alexnet-imagenet", b"gone", saved(state)[1])
    parts = build_parts(chosen)
    assert torch.equal(parts.encoder.backbone.features[10].weight, state["features.10.weight"])


def test_the_first_stages_frozen_stay_bit_equal_and_the_others_learn(publish, people, tmp_path):
    state = drawn("alexnet", 64)
    publish("alexnet-imagenet", *saved(state))
    chosen = recipe({"backbone": "alexnet", "pretrained": "imagenet", "frozen": 2})
    fitted = fit(chosen, open_source(f"folder:{people}"), tmp_path / "run")
    learned = fitted.parts.encoder.backbone.state_dict()
    for layer in (0, 3, 6, 8, 10):
        for kind in ("weight", "bias"):
            name = f"features.{layer}.{kind}"
            assert torch.equal(learned[name], state[name]) == (layer < 6), name


def toml(folder: Path, backbone: str, pretrained: str) -> Path:
    path = folder / "started.toml"
    path.write_text(
        'name = "started"\nloss = [{ kind = "triplet" }]\nschedule = { monitor = "auc" }\n'
        f'[net]\nbackbone = "{backbone}"\npretrained = "{pretrained}"\n'
    )
    return path


def refuse(run: Run, people: Path, path: Path, *words: str) -> None:
    ran = run("train", path, "--data", f"folder:{people}", "-o", path.parent / "run")
    assert ran.code == 2
    one_sentence(ran, *words)


def test_another_file_than_the_zoo_says(run, publish, people, tmp_path, cache):
    url = publish("alexnet-imagenet", saved(drawn("alexnet", 64))[0], "0" * 64)
    refuse(run, people, toml(tmp_path, "alexnet", "imagenet"), url, "another sha256")
    assert not list(cache.rglob("*alexnet*"))


def test_a_file_that_holds_no_weights(run, publish, people, tmp_path, cache):
    publish("alexnet-imagenet", b"<html>", hashlib.sha256(b"<html>").hexdigest())
    refuse(run, people, toml(tmp_path, "alexnet", "imagenet"), "no weights that can be read")
    assert not list(cache.rglob("*alexnet*"))


def test_no_network(run, people, tmp_path, cache, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/weights.pth"
        entry = {"facenet-vggface2": {"url": url, "sha256": "0" * 64}}
        monkeypatch.setattr(weights, "known_weights", lambda: entry)
        refuse(run, people, toml(tmp_path, "facenet", "vggface2"), url, "cannot be reached")
    assert not list(cache.rglob("*facenet*"))


def test_the_zoo_names_the_published_files():
    known = known_weights()
    assert known.keys() == {
        "alexnet-imagenet", "resnet50-imagenet", "resnet152-imagenet", "facenet-vggface2"
    }  # fmt: skip
    for name, entry in known.items():
        assert entry["url"].startswith("https://")
        if name.endswith("-imagenet"):  # torchvision's names end in the hash's beginning
            assert entry["sha256"].startswith(Path(entry["url"]).stem.split("-")[-1])


@pytest.fixture(scope="module")
def ours(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model folder."""
    folder = tmp_path_factory.mktemp("ours")
    chosen = recipe(SMALL_NET)
    fitted = fit(chosen, open_source(f"folder:{people}"), folder)
    make_model(chosen, fitted, folder / "model")
    return folder / "model"


class TestAModelOfOurs:
    def test_is_gone_on_from(self, ours: Path, people: Path, tmp_path: Path) -> None:
        chosen = recipe({**SMALL_NET, "pretrained": str(ours)}, seed=9)
        started = build_parts(chosen).encoder.state_dict()
        state = weights.read_state(ours / WEIGHTS)
        assert started.keys() == {name.removeprefix("encoder.") for name in state}
        assert all(torch.equal(value, state[f"encoder.{name}"]) for name, value in started.items())
        fitted = fit(chosen, open_source(f"folder:{people}"), tmp_path / "run")
        model = make_model(chosen, fitted, tmp_path / "run" / "model")
        assert model.card.outside_data.startswith("weights of started: folder ")
        ended = fitted.parts.encoder.state_dict()
        assert not all(torch.equal(started[name], ended[name]) for name in started)

    def test_of_another_architecture(self, ours: Path) -> None:
        for net in (
            {**SMALL_NET, "options": {"filters": 8, "units": 8}},
            {"backbone": "koch", "embedding": 8},
        ):
            with pytest.raises(DataError, match=r"recipe started: .*of another network") as refused:
                build_parts(recipe({**net, "pretrained": str(ours)}, 105))
            assert "\n" not in str(refused.value)

    def test_that_is_damaged(self, ours: Path, tmp_path: Path) -> None:
        copy = tmp_path / "copy"
        copy.mkdir()
        for path in ours.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        (copy / WEIGHTS).write_bytes((copy / WEIGHTS).read_bytes()[:100])
        chosen = recipe({**SMALL_NET, "pretrained": str(copy)})
        with pytest.raises(DataError, match="no weights that can be read"):
            build_parts(chosen)
        (copy / WEIGHTS).unlink()
        with pytest.raises(DataError, match=f"holds no {WEIGHTS}"):
            build_parts(chosen)

    def test_that_is_nowhere(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="there are no weights"):
            build_parts(recipe({**SMALL_NET, "pretrained": str(tmp_path / "gone")}))


def test_a_full_cache(publish, monkeypatch):
    publish("alexnet-imagenet", *saved(drawn("alexnet", 64)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("visavis.runtime.cache.write_atomically", full)
    with pytest.raises(ModelError, match="cannot write to the cache folder"):
        build_parts(recipe({"backbone": "alexnet", "pretrained": "imagenet"}))
