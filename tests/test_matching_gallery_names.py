from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.errors import DataError
from visavis.matching.gallery.names import clean_name, lookup_key


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  Ada Lovelace ", "Ada Lovelace"),
        (unicodedata.normalize("NFD", "Zoë Åström"), "Zoë Åström"),
        ("李雷", "李雷"),
        ("👩‍🚀 Mae", "👩‍🚀 Mae"),
        ("x" * 200, "x" * 200),
    ],
)
def test_names_as_they_are_kept(name, kept):
    assert clean_name(name) == kept


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "a person needs a name"),
        (" \t ", "a person needs a name"),
        ("x" * 201, "at most 200 characters, and 'xxxxxxxxxxxxxxxxxxxx'… has 201"),
        ("Ada\nLovelace", r"the name 'Ada\\nLovelace' holds control characters"),
        ("Ada\0", "holds control characters"),
        ("Ada\u202egnp", "holds control characters"),
        ("Ada\udcff", "holds control characters"),
    ],
)
def test_names_that_are_refused(name, message):
    with pytest.raises(DataError, match=message):
        clean_name(name)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ada LOVELACE", "Ada Lovelace", True),
        ("Zoe\u0308", "ZOË", True),
        ("Strauß", "STRAUSS", True),
        ("Ada", "Eda", False),
        ("Zoe", "Zoë", False),
    ],
)
def test_spellings_of_one_name(one, other, same):
    assert (lookup_key(one) == lookup_key(other)) is same


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20))
def test_every_spelling_has_the_key_of_what_is_kept(name):
    kept = clean_name(name)
    assert clean_name(kept) == kept
    for form in ("NFC", "NFD"):
        assert lookup_key(unicodedata.normalize(form, name)) == lookup_key(kept)
