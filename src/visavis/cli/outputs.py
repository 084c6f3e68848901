"""Files that a verb writes beside its answer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from visavis.errors import DataError
from visavis.files import write_output


def check_folders(*paths: Path | None) -> None:
    """Refuse a file in a folder that is not there, before long work and not after it.

    Raises:
        DataError: a folder is missing.
    """
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise DataError(
                f"cannot write {path}: there is no folder {path.parent}; create it or name another"
            )


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows under a header as CSV.

    Raises:
        DataError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    write_output(path, text.getvalue().encode("utf-8", "surrogateescape"))
