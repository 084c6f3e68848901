"""Public weights into backbones."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from visavis.nets.backbones import build_backbone
from visavis.nets.input import Input
from visavis.nets.pretrained import load_state, read_state

SPEC = Input(80, 80, "rgb", "loose", mean=(0.5,) * 3, std=(0.5,) * 3)


class Evil:
    def __reduce__(self):
        return print, ("code ran",)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_state_dict_is_read_and_its_classifier_left_out(tmp_path: Path, suffix: str) -> None:
    trained = build_backbone("alexnet", SPEC, classes=5)
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(trained.state_dict(), path)
    else:
        save_file(trained.state_dict(), path)
    backbone = build_backbone("alexnet", SPEC)
    load_state(backbone, read_state(path), str(path))
    assert torch.equal(backbone.features[0].weight, trained.features[0].weight)
    again = build_backbone("alexnet", SPEC, classes=5)
    load_state(again, read_state(path))
    assert torch.equal(again.classifier[6].bias, trained.classifier[6].bias)


def test_the_vggface2_layout_loads_with_and_without_its_embedding() -> None:
    state = build_backbone("facenet", SPEC, classes=11).state_dict()
    for options in ({}, {"pool": "max"}, {"classes": 11}):
        backbone = build_backbone("facenet", SPEC, **options)
        load_state(backbone, state)
        assert torch.equal(backbone.block8.conv2d.weight, state["block8.conv2d.weight"])


def test_old_files_without_batch_counts_load() -> None:
    state = build_backbone("resnet50", SPEC, classes=3).state_dict()
    old = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    load_state(build_backbone("resnet50", SPEC), old)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("features.0.weight"), r"w\.pth does not fit AlexNet; it lacks: feat"),
        (lambda s: s.update(extra=torch.ones(1)), "it has in excess: extra"),
        (
            lambda s: s.update({"features.0.bias": torch.ones(3)}),
            r"shapes differ: features.0.bias \(3,\) for \(64,\)",
        ),
        (lambda s: s.clear(), "and 7 more"),
    ],
)
def test_weights_that_do_not_fit_are_named_and_change_nothing(change, message) -> None:
    backbone = build_backbone("alexnet", SPEC)
    before = backbone.features[3].weight.detach().clone()
    state = build_backbone("alexnet", SPEC).state_dict()
    change(state)
    with pytest.raises(ValueError, match=message):
        load_state(backbone, state, "w.pth")
    assert torch.equal(before, backbone.features[3].weight)


def test_another_number_of_classes_is_refused() -> None:
    state = build_backbone("alexnet", SPEC, classes=5).state_dict()
    with pytest.raises(ValueError, match=r"shapes differ: classifier.6.weight \(5, 4096\)"):
        load_state(build_backbone("alexnet", SPEC, classes=6), state)
    with pytest.raises(ValueError, match="it lacks: classifier"):
        load_state(
            build_backbone("alexnet", SPEC, classes=5), build_backbone("alexnet").state_dict()
        )


def test_unreadable_files_say_so_and_run_no_code(tmp_path: Path, capsys) -> None:
    def file(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    torch.save([torch.ones(2)], tmp_path / "list.pth")
    torch.save({"a": 3}, tmp_path / "numbers.pth")
    torch.save({"evil": Evil()}, tmp_path / "evil.pth")
    whole = tmp_path / "whole.pth"
    torch.save({"a": torch.ones(1000)}, whole)
    bad = {
        tmp_path / "none.pth": "cannot be read",
        tmp_path / "none.safetensors": "cannot be read",
        file("empty.pth", b""): "no weights",
        file("text.pth", b"<html>not found</html>"): "no weights",
        file("text.safetensors", b"<html>not found</html>"): "no weights",
        file("cut.pth", whole.read_bytes()[:900]): "no weights",
        file("pickle.pth", pickle.dumps(Evil())): "no weights",
        tmp_path / "evil.pth": "no weights",
        tmp_path / "list.pth": "no state dict",
        tmp_path / "numbers.pth": "no state dict",
    }
    for path, message in bad.items():
        with pytest.raises(ValueError, match=f"{path.name}.*{message}"):
            read_state(path)
    assert "code ran" not in capsys.readouterr().out
