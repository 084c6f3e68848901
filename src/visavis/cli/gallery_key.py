"""Where a verb takes a gallery's key from: an option, the environment, or whoever sits there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.errors import DataError

if TYPE_CHECKING:
    from visavis.matching.gallery.key import GalleryKey

PASSPHRASE = "VISAVIS_GALLERY_PASSPHRASE"  # noqa: S105  # the variable's name
NEW_PASSPHRASE = "VISAVIS_GALLERY_NEW_PASSPHRASE"  # noqa: S105

KeyFile = Annotated[
    Path | None,
    typer.Option(
        envvar="VISAVIS_GALLERY_KEY_FILE",
        help=f"Opens an encrypted gallery; else {PASSPHRASE} does.",
        show_default=False,
    ),
]


def gallery_key(url: str, key_file: Path | None) -> GalleryKey | None:
    """The key of a gallery; ``None`` where none is given, and none needs to be asked for.

    Raises:
        DataError: the key file is none, or the gallery cannot be opened.
    """
    if key := _given(key_file, PASSPHRASE):
        return key
    if not sys.stdin.isatty():
        return None  # the gallery says by itself what it needs

    from visavis.matching.gallery.encryption import is_encrypted
    from visavis.matching.gallery.key import GalleryKey

    if not is_encrypted(url):
        return None
    return GalleryKey.from_passphrase(_asked(f"passphrase of {url}: "))


def new_key(key_file: Path | None, variable: str, option: str) -> GalleryKey:
    """The key that is to open a gallery from now on.

    Args:
        key_file: as given.
        variable: of the environment, with a passphrase.
        option: that names the file.

    Raises:
        DataError: there is none, or it was not typed twice.
    """
    if key := _given(key_file, variable):
        return key
    if not sys.stdin.isatty():
        raise DataError(
            f"give the key that is to open it: {option} FILE, which `visavis gallery new-key FILE` "
            f"makes, or a passphrase in {variable}"
        )

    from visavis.matching.gallery.key import GalleryKey

    passphrase = _asked("new passphrase: ")
    if _asked("once more: ") != passphrase:
        raise DataError("these were two passphrases; nothing was changed")
    return GalleryKey.from_passphrase(passphrase)


def _given(key_file: Path | None, variable: str) -> GalleryKey | None:
    passphrase = os.environ.get(variable)
    if key_file is None and not passphrase:
        return None

    from visavis.matching.gallery.key import GalleryKey

    if key_file is not None:
        return GalleryKey.from_file(key_file)
    return GalleryKey.from_passphrase(passphrase or "")


def _asked(prompt: str) -> str:
    from getpass import getpass

    try:
        return getpass(prompt)
    except EOFError:
        raise DataError("no passphrase was given") from None
