"""Tables that people write by hand or export from a spreadsheet: CSV with a header line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from visavis.errors import DataError


class Row(NamedTuple):
    """One row: where it stands, such as ``pairs.csv: line 3``, and its cells by column."""

    where: str
    cells: dict[str, str]


def read_table(path: Path) -> tuple[list[str], list[Row]]:
    """The columns and rows of a CSV file.

    UTF-8 with or without a byte-order mark, any newlines, quoted commas. Column names are taken
    in lower case without surrounding spaces; blank lines are passed over; cells are left as they
    are, since a file name may begin with a space.

    Raises:
        DataError: missing, not UTF-8, empty, a column twice, or a row too short or too long.
    """
    rows: list[Row] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            for cells in reader:
                where = f"{path}: line {reader.line_num}"
                if cells and len(cells) != len(header):
                    raise DataError(f"{where} has {len(cells)} cells for {len(header)} columns")
                if cells:
                    rows.append(Row(where, dict(zip(header, cells, strict=True))))
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num} is not CSV: {error}") from error
    twice = [name for i, name in enumerate(header) if name in header[:i]]
    if twice:
        raise DataError(f"{path}: column {twice[0]!r} is there twice; keep one")
    if not rows:
        raise DataError(f"{path} has no rows; it needs a header line and a row for each entry")
    return header, rows
