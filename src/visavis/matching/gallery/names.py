"""What people may be called, and when two names are one."""

from __future__ import annotations

import unicodedata

from visavis.errors import DataError

MAX_LENGTH = 200
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that change the order of the letters around them: one name could pose as another."""


def clean_name(name: str) -> str:
    """A person's name as it is kept: NFC, without space around it.

    Raises:
        DataError: empty, longer than 200 characters, or with control characters.
    """
    cleaned = unicodedata.normalize("NFC", name).strip()
    if not cleaned:
        raise DataError("a person needs a name; this one is empty")
    if len(cleaned) > MAX_LENGTH:
        raise DataError(
            f"a name has at most {MAX_LENGTH} characters, and {cleaned[:20]!r}… has {len(cleaned)}"
        )
    if any(unicodedata.category(c) in _UNSEEN or c in _REORDERING for c in cleaned):
        raise DataError(f"the name {cleaned!a} holds control characters; leave them out")
    return cleaned


def lookup_key(name: str) -> bytes:
    """What the spellings of one name have in common.

    Letters that Unicode calls canonically equivalent, or that differ by case, are the same
    (The Unicode Standard, section 3.13, canonical caseless matching).
    """
    folded = unicodedata.normalize("NFD", clean_name(name)).casefold()
    return unicodedata.normalize("NFC", folded).encode()
