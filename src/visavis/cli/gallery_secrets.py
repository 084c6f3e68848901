"""``visavis gallery encrypt``, ``decrypt`` and ``new-key``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from visavis.cli import show
from visavis.cli.gallery_key import NEW_PASSPHRASE, PASSPHRASE, KeyFile, gallery_key, new_key
from visavis.cli.gallery_options import DEFAULT_URL, GalleryUrl
from visavis.cli.options import AsJson
from visavis.errors import DataError

COPIES = "Backups and exports made before are as they were."


def encrypt(
    gallery: GalleryUrl = DEFAULT_URL,
    key_file: KeyFile = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Encrypt an encrypted gallery anew, by another key.")
    ] = False,
    new_key_file: Annotated[
        Path | None,
        typer.Option(help="With --rotate: what is to open it.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Encrypt names, embeddings, crops and notes: only the key's owner reads them from then on.

    The key is a file that `gallery new-key` made, a passphrase in VISAVIS_GALLERY_PASSPHRASE, or
    one that is asked for. With --rotate that is the old one, and the new one comes from
    --new-key-file, VISAVIS_GALLERY_NEW_PASSPHRASE or a question. Who loses it loses the gallery.
    """
    from visavis.matching.gallery import encryption

    if not rotate:
        if new_key_file is not None:
            raise DataError("--new-key-file goes with --rotate; --key-file names the first key")
        key = new_key(key_file, PASSPHRASE, "--key-file")
        with show.progress() as advance:
            scrubbed = encryption.encrypt(gallery, key, advance)
    else:
        old = gallery_key(gallery, key_file)
        new = new_key(new_key_file, NEW_PASSPHRASE, "--new-key-file")
        with show.progress() as advance:
            scrubbed = encryption.rotate(gallery, old, new, advance)
    how = "encrypted anew: only the new key opens it" if rotate else "encrypted"
    text = f"{gallery} is {how}. Keep a copy of the key elsewhere"
    _say(text, {"gallery": gallery, "encrypted": True, "scrubbed": scrubbed}, as_json=as_json)


def decrypt(
    gallery: GalleryUrl = DEFAULT_URL, key_file: KeyFile = None, as_json: AsJson = False
) -> None:
    """Keep an encrypted gallery in the clear again."""
    from visavis.matching.gallery import encryption

    key = gallery_key(gallery, key_file)
    with show.progress() as advance:
        scrubbed = encryption.decrypt(gallery, key, advance)
    plain = {"gallery": gallery, "encrypted": False, "scrubbed": scrubbed}
    _say(f"{gallery} is not encrypted any more", plain, as_json=as_json)


def make_key(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    as_json: AsJson = False,
) -> None:
    """Make a key file: 32 random bytes, for its owner's eyes alone."""
    from visavis.matching.gallery.key import new_key_file

    new_key_file(target)
    if as_json:
        show.print_json({"key_file": str(target)})
    else:
        show.say(f"{target} is a new key; keep it, and a copy of it, away from the gallery")


def _say(text: str, plain: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show.print_json(plain)
    else:
        show.say(f"{text}. {COPIES}")
    if not plain["scrubbed"]:
        show.note(
            "warning: another process has the gallery open, so traces of what it was may be left "
            "in its free space; close it and say `visavis gallery scrub`"
        )
