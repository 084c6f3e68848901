"""Filters on a face set: by an expression over its tags, by class, by photos a person.

An expression is made of tags' names, ``and``, ``or``, ``not``, parentheses, and comparisons of a
tag with a value by ``==`` and ``!=``::

    not Wearing_Hat and not (Eyeglasses or Blurry)
    gender == female and pose != 'half profile'

A name alone asks whether the tag is yes (``yes``, ``true`` or ``1``); a photo whose tag is unknown
is not yes. Names and values with spaces or parentheses are put in quotes.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from visavis.data.faceset import FaceSet
from visavis.errors import DataError

Mask = NDArray[np.bool_]

_YES = ("yes", "true", "1")
_KNOWN = (*_YES, "no", "false", "0", "-1", "")
_WORD = re.compile(r"""(?P<quote>["'])(?P<quoted>[^"']*)(?P=quote)|(?P<word>[^\s()=!"']+)""")


def filter_faces(
    faces: FaceSet, where: str = "", one_class: Sequence[str] = (), at_least: int = 1
) -> FaceSet:
    """The photos that pass, in this order, each filter.

    Args:
        faces: the photos.
        where: an expression that they fulfil; empty for all photos.
        one_class: tags, of each of which a person keeps one class, see ``one_class_each``.
        at_least: photos that a person has left after all this; people with fewer are dropped.

    Raises:
        DataError: an expression that cannot be understood, an unknown tag, or no photo is left.
    """
    if where.strip():
        faces = faces.select(matching(faces, where))
    for tag in one_class:
        faces = faces.select(one_class_each(faces, tag))
    photos = np.bincount(faces.people, minlength=1)
    faces = faces.select(photos[faces.people] >= at_least)
    if not len(faces):
        raise DataError(
            f"{faces.name}: no photo passes the filters (where {where!r}, one class of "
            f"{', '.join(one_class) or 'no tag'}, at least {at_least} photos a person); loosen them"
        )
    return faces


def matching(faces: FaceSet, expression: str) -> Mask:
    """(n,) bool, which photos fulfil an expression over the tags.

    Raises:
        DataError: it cannot be understood, or names an unknown tag; close names are given.
    """
    words: list[str] = []

    def placeholder(found: re.Match[str]) -> str:
        # Names such as 5_o_Clock_Shadow are no names in Python's grammar, which is used here.
        if found["word"] in ("and", "or", "not"):
            return found.group()
        words.append(found["word"] if found["word"] is not None else found["quoted"])
        return f" _{len(words) - 1} "

    grammar = " ".join(_WORD.sub(placeholder, expression).split())
    try:
        tree = ast.parse(grammar, mode="eval")
        return _evaluate(tree.body, faces, words)
    except (SyntaxError, RecursionError, MemoryError, _UnknownGrammarError):
        raise DataError(
            f"the filter {expression!r} cannot be understood; join tags' names by and, or, not, "
            "==, != and parentheses"
        ) from None


def one_class_each(faces: FaceSet, tag: str) -> Mask:
    """(n,) bool, the photos of each person's more frequent class of a tag.

    Of classes that are equally frequent with a person, the one that is more frequent in the whole
    face set is kept, and of such the first in alphabetical order. Photos whose class is unknown
    are dropped.

    Raises:
        DataError: an unknown tag.
    """
    classes, column = np.unique(_column(faces, tag), return_inverse=True)
    counts = np.zeros((len(faces.names), len(classes)), dtype=np.int64)
    np.add.at(counts, (faces.people, column), 1)
    unknown = classes == ""
    counts[:, unknown] = -1
    # Most frequent of all first: argmax takes the first of equals.
    order = np.argsort(-counts.sum(axis=0, where=counts > 0), kind="stable")
    kept = order[counts[:, order].argmax(axis=1)] if len(classes) else np.empty(0, dtype=np.int64)
    return np.asarray((column == kept[faces.people]) & ~unknown[column])


class _UnknownGrammarError(Exception):
    """Something that Python's grammar has and this one has not."""


def _evaluate(node: ast.expr, faces: FaceSet, words: list[str]) -> Mask:
    match node:
        case ast.BoolOp(op=operator, values=values):
            masks = [_evaluate(value, faces, words) for value in values]
            both = np.logical_and if isinstance(operator, ast.And) else np.logical_or
            return np.asarray(both.reduce(masks))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ~_evaluate(operand, faces, words)
        case ast.Compare(
            left=ast.Name(id=tag),
            ops=[ast.Eq() | ast.NotEq() as operator],
            comparators=[ast.Name(id=value)],
        ):
            equal = np.asarray(_column(faces, _word(tag, words)) == _word(value, words))
            return equal if isinstance(operator, ast.Eq) else ~equal
        case ast.Name(id=tag):
            return _yes(faces, _word(tag, words))
    raise _UnknownGrammarError


def _word(placeholder: str, words: list[str]) -> str:
    return words[int(placeholder.removeprefix("_"))]


def _column(faces: FaceSet, tag: str) -> NDArray[np.str_]:
    if tag not in faces.tags:
        close = get_close_matches(tag, faces.tags, n=3, cutoff=0.5)
        known = f"did you mean {' or '.join(close)}?" if close else "its tags are "
        known += "" if close else ", ".join(faces.tags) or "none; join some with a tags CSV"
        raise DataError(f"{faces.name} has no tag {tag!r}; {known}")
    return faces.tags[tag]


def _yes(faces: FaceSet, tag: str) -> Mask:
    column = _column(faces, tag)
    other = np.unique(column[~np.isin(column, _KNOWN)])
    if len(other):
        raise DataError(
            f"{faces.name}: tag {tag!r} is not yes or no but has values such as {str(other[0])!r}; "
            f"write {tag} == {str(other[0])!r}"
        )
    return np.isin(column, _YES)
