from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.data.lfw_lists import LfwPerson, parse_pairs, parse_people
from visavis.errors import DataError

NAMES = st.text(st.characters(categories=["L", "N", "Pd", "Pc"]), min_size=1, max_size=12).filter(
    lambda name: not name.isdecimal()
)
NUMBERS = st.integers(1, 9999)
GENUINE = st.tuples(NAMES, NUMBERS, NUMBERS)
IMPOSTOR = st.tuples(NAMES, NUMBERS, NAMES, NUMBERS).filter(lambda row: row[0] != row[2])
NEWLINE = st.sampled_from(["\n", "\r\n"])


@st.composite
def folds_of_pairs(draw):
    each, n_folds = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rows = st.lists(GENUINE, min_size=each, max_size=each)
    others = st.lists(IMPOSTOR, min_size=each, max_size=each)
    return each, [(draw(rows), draw(others)) for _ in range(n_folds)]


@settings(deadline=None)
@given(folds_of_pairs(), st.booleans(), st.booleans(), st.sampled_from("\t "), NEWLINE)
def test_pairs_come_back_with_their_folds(folds, counts, bom, gap, newline):
    each, table = folds
    lines = [gap.join(map(str, row)) for fold in table for rows in fold for row in rows]
    if counts:
        head = [str(each)] if len(table) == 1 else [f"{len(table)}{gap}{each}"]
        lines = head + lines
    pairs = parse_pairs("\ufeff" * bom + newline.join(lines) + newline, "list")

    expected = []
    for fold, (genuine, impostor) in enumerate(table):
        expected += [((name, a), (name, b), fold, True) for name, a, b in genuine]
        expected += [((a, i), (b, j), fold, False) for a, i, b, j in impostor]
    assert [(tuple(p.first), tuple(p.second), p.fold, p.same) for p in pairs] == expected


@settings(deadline=None)
@given(
    st.lists(st.lists(st.tuples(NAMES, NUMBERS), min_size=1, max_size=5), min_size=1, max_size=4),
    st.booleans(),
    NEWLINE,
)
def test_people_come_back_with_their_folds(folds, folds_counted, newline):
    names = [name for fold in folds for name, _ in fold]
    lines = [str(len(folds))] if folds_counted or len(folds) > 1 else []
    for fold in folds:
        lines += [str(len(fold)), *(f"{name}\t{n}" for name, n in fold)]
    text = newline.join(lines)
    if len(set(names)) < len(names):
        with pytest.raises(DataError, match="twice"):
            parse_people(text, "list")
        return
    expected = [LfwPerson(name, n, i) for i, fold in enumerate(folds) for name, n in fold]
    assert parse_people(text, "list") == expected


@settings(deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=12, unique=True), st.data())
def test_without_counts_a_fold_ends_where_the_alphabet_starts_again(names, data):
    fold_of = {name: data.draw(st.integers(0, 2)) for name in names}
    folds = [sorted(name for name in names if fold_of[name] == i) for i in range(3)]
    rows = [name for fold in folds for name in fold]
    people = parse_people("\n".join(f"{name}\t1" for name in rows), "list")
    descents = [0]
    for before, after in pairwise(rows):
        descents.append(descents[-1] + (after < before))
    assert [(p.name, p.fold) for p in people] == list(zip(rows, descents, strict=True))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no pairs"),
        ("10\t300\n", "no pairs"),
        ("Ada\t1\t2\nBob\t1\n", "line 2"),
        ("Ada\t1\tx\n", "line 1"),
        ("Ada\t0\t2\n", "line 1"),
        ("Ada\t1\tAda\t2\n", "line 1"),
        ("Ada\t1\t2\tBob\t3\n", "line 1"),
        ("2\nAda\t1\t2\nAda\t1\tBob\t2\n", "promises 1 x 2"),
        ("2\t1\nAda\t1\t2\nAda\t1\tBob\t2\n", "promises 2 x 1"),
    ],
)
def test_a_broken_list_of_pairs_names_the_line_or_the_count(text, says):
    with pytest.raises(DataError, match=says) as caught:
        parse_pairs(text, "pairs.txt")
    assert str(caught.value).startswith("pairs.txt")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no people"),
        ("3\nAda\t1\nBob\t2\n", "counts"),
        ("2\n1\nAda\t1\n2\nBob\t2\n", "counts"),
        ("1\nAda\n", "line 2"),
        ("1\nAda\tmany\n", "line 2"),
        ("1\nAda\t0\n", "line 2"),
        ("2\nAda\t1\nAda\t1\n", "twice"),
    ],
)
def test_a_broken_list_of_people_says_what_is_wrong(text, says):
    with pytest.raises(DataError, match=says):
        parse_people(text, "people.txt")
