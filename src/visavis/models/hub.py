"""Model folders to and from elsewhere: a folder, an address of a zip, a repository of a hub."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from visavis.errors import ModelError
from visavis.models.card import Card
from visavis.models.folder import CARD, NETWORK, PAGE, read_folder
from visavis.models.zoo import known_models, locate
from visavis.runtime.origin import download

HUB = "hf://"
CARRIED = NETWORK | PAGE | {CARD}
"""The only files of a model folder; nothing else is ever taken from elsewhere."""
MAX_UNPACKED = 4 << 30
"""Bytes that a zip may unpack to: many times the largest network of the zoo."""


def pull(source: str, target: Path) -> Card:
    """Fetch a model folder and check it before it appears.

    Args:
        source: a known model's name, a folder, the address of a zip of one (``https://…/m.zip``),
            or a repository of the Hugging Face hub (``hf://owner/name``).
        target: the folder to make; it must not exist yet.

    Raises:
        ModelError: it cannot be had, or what comes is not a complete, unchanged model folder.
    """
    if target.exists():
        raise ModelError(f"{target} exists already; choose another folder or remove it first")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary:
            folder = Path(temporary) / "model"
            folder.mkdir()
            _fetch(source, folder)
            card = read_folder(folder)
            folder.rename(target)
    except OSError as error:
        raise ModelError(f"cannot get {source}: {error}") from None
    return card


def push(model: str, target: str) -> str:
    """Copy a model folder to another folder, a zip file, or a hub repository of yours.

    Args:
        model: a known model's name or a model folder.
        target: a folder that does not exist yet, a path ending in ``.zip``, or ``hf://owner/name``
            (logged in with ``hf auth login``, or ``HF_TOKEN`` set).

    Returns:
        Where it is now.

    Raises:
        ModelError: the model is damaged, or the target refuses it.
    """
    folder = locate(model)
    card = read_folder(folder)
    files = sorted({CARD, *card.files} & CARRIED)
    if target.startswith(HUB):
        return _push_to_hub(folder, files, target.removeprefix(HUB))
    if "://" in target:
        raise ModelError(f"cannot push to {target}; push to a folder, a .zip or hf://owner/name")
    path = Path(target).expanduser()
    if path.exists():
        raise ModelError(f"{path} exists already; choose another place or remove it first")
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
                for name in files:
                    archive.write(folder / name, name)
        else:
            path.mkdir(parents=True)
            for name in files:
                shutil.copyfile(folder / name, path / name)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror}") from None
    return str(path)


def _fetch(source: str, folder: Path) -> None:
    if source.startswith(HUB):
        _fetch_from_hub(source.removeprefix(HUB), folder)
    elif source.startswith(("https://", "http://")):
        _unpack(download(source), folder, source)
    elif source in known_models() or Path(source).is_dir():
        origin = locate(source)
        for name in CARRIED:
            if (origin / name).is_file():
                shutil.copyfile(origin / name, folder / name)
    elif Path(source).is_file():
        _unpack(Path(source).read_bytes(), folder, source)
    else:
        raise ModelError(f"{source} is no folder, zip, address, hf://owner/name or known model")


def _unpack(content: bytes, folder: Path, source: str) -> None:
    """Take the known files out of a zip, wherever in it they lie, and nothing else."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            known = [e for e in archive.infolist() if Path(e.filename).name in CARRIED]
            if sum(entry.file_size for entry in known) > MAX_UNPACKED:
                raise ModelError(f"{source} unpacks to more than {MAX_UNPACKED >> 30} GiB; refused")
            for entry in known:
                (folder / Path(entry.filename).name).write_bytes(archive.read(entry))
    except (OSError, ModelError):  # of the folder, or said already
        raise
    except Exception as error:  # what zipfile raises on a damaged archive shares no base
        raise ModelError(f"{source} is not a zip of a model folder: {_first_line(error)}") from None


def _fetch_from_hub(repository: str, folder: Path) -> None:
    hub = _hub()
    try:
        hub.snapshot_download(repository, local_dir=folder, allow_patterns=sorted(CARRIED))
    except Exception as error:  # the client's and its transport's exceptions share no base
        raise ModelError(f"cannot get {HUB}{repository}: {_first_line(error)}") from None
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _push_to_hub(folder: Path, files: list[str], repository: str) -> str:
    hub = _hub()
    try:
        hub.create_repo(repository, exist_ok=True)
        hub.upload_folder(repo_id=repository, folder_path=folder, allow_patterns=files)
    except Exception as error:  # as above
        raise ModelError(f"cannot push to {HUB}{repository}: {_first_line(error)}") from None
    return f"{HUB}{repository}"


def _hub() -> Any:
    """The hub's client with its telemetry off."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub

    return huggingface_hub


def _first_line(error: Exception) -> str:
    return [*str(error).strip().splitlines(), type(error).__name__][0]
