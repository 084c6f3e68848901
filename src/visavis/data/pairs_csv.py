"""CSV files of pairs: reading, writing, and their rows."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from visavis.data.faceset import PairSet
from visavis.data.table import Row, read_table
from visavis.errors import DataError

_SAME = {"1": True, "true": True, "same": True, "0": False, "false": False, "different": False}
COLUMNS = ("first", "second", "same", "person_first", "person_second", "fold")


@dataclass(frozen=True)
class ListedPair:
    """One row of a CSV of pairs.

    Attributes:
        first, second: paths of the photos, made absolute or relative as the CSV's own path is.
        same: whether they show one person; ``None`` where the CSV does not say.
        person_first, person_second: names of the people; empty where the CSV does not say.
        fold: the fold, at least 0; ``None`` where the CSV does not say.
        where: file and line, for messages.
    """

    first: Path
    second: Path
    same: bool | None = None
    person_first: str = ""
    person_second: str = ""
    fold: int | None = None
    where: str = ""


def read_pairs(path: Path) -> list[ListedPair]:
    """The rows of a CSV of pairs.

    Columns ``first,second`` (or ``a,b``), and where they are known ``same`` (1, true, same, 0,
    false, different), ``person_first,person_second`` and ``fold``; others are passed over. Paths
    are relative to the CSV. Whether the photos exist is not asked here: in a batch, a missing
    photo is reported beside the others' results.

    Raises:
        DataError: not a table (see ``read_table``), columns lacking, or a cell that cannot be
            understood; the message names the line.
    """
    header, rows = read_table(path)
    sides = next((s for s in (("first", "second"), ("a", "b")) if set(s) <= set(header)), None)
    if sides is None:
        raise DataError(
            f"{path} lacks the columns 'first,second' (or 'a,b'), separated by commas; "
            f"its first line has {', '.join(map(repr, header))}"
        )
    if ("person_first" in header) != ("person_second" in header):
        raise DataError(f"{path} has one of person_first and person_second; give both or neither")
    return [_listed(row, path.parent, *sides) for row in rows]


def write_pairs(path: Path, pairs: PairSet) -> None:
    """Write pairs as a CSV that ``read_pairs`` and the source ``csv:`` take.

    Photos below the CSV's folder are written relative to it, so that both can be moved together;
    others are written as absolute paths.

    Raises:
        DataError: the file cannot be written, or a photo's name is not Unicode.
    """
    faces = pairs.faces
    names = [_relative(photo, path.parent) for photo in faces.photos]
    persons = [faces.names[person] for person in faces.people]
    columns = (pairs.first.tolist(), pairs.second.tolist(), pairs.same, pairs.fold)
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for a, b, same, fold in zip(*columns, strict=True):
                writer.writerow([names[a], names[b], int(same), persons[a], persons[b], fold])
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}") from error
    except UnicodeEncodeError as error:
        raise DataError(f"{path}: the name {error.object!r} is not Unicode; rename it") from error


def _relative(photo: Path, folder: Path) -> str:
    try:
        return photo.absolute().relative_to(folder.absolute()).as_posix()
    except ValueError:
        return str(photo.absolute())


def _listed(row: Row, folder: Path, first: str, second: str) -> ListedPair:
    cells = row.cells
    for column in (first, second):
        if not cells[column].strip():
            raise DataError(f"{row.where} names no photo in column {column!r}")
    return ListedPair(
        first=folder / cells[first],
        second=folder / cells[second],
        same=_same(row),
        person_first=cells.get("person_first", "").strip(),
        person_second=cells.get("person_second", "").strip(),
        fold=_fold(row),
        where=row.where,
    )


def _same(row: Row) -> bool | None:
    cell = row.cells.get("same", "").strip()
    if not cell:
        return None
    if cell.lower() not in _SAME:
        raise DataError(f"{row.where} has {cell!r} in column 'same'; write 1 or 0")
    return _SAME[cell.lower()]


def _fold(row: Row) -> int | None:
    cell = row.cells.get("fold", "").strip()
    if not cell:
        return None
    if not (cell.isascii() and cell.isdecimal()) or len(cell) > 9:
        raise DataError(f"{row.where} has {cell!r} in column 'fold'; write a whole number")
    return int(cell)
