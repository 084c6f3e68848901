"""Filters over tags: the grammar against Python's own, classes and counts against plain loops."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.data.faceset import FaceSet
from visavis.data.filters import filter_faces, matching, one_class_each
from visavis.errors import DataError

NAMES = ("Young", "5_o_Clock_Shadow", "Male", "is-it", "lambda")


def face_set(people, **tags) -> FaceSet:
    faces = FaceSet.from_names("t", [Path(f"{i}.jpg") for i in range(len(people))], people)
    columns = {name: np.array(column, dtype=np.str_) for name, column in tags.items()}
    return FaceSet("t", faces.photos, faces.people, faces.names, tags=columns)


def expressions(names: dict[str, str]):
    """(text of ours, text of Python's) of the same random expression."""
    leaf = st.sampled_from(list(names.items()))
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            inner.map(lambda e: (f"not {e[0]}", f"not {e[1]}")),
            inner.map(lambda e: (f"( {e[0]})", f"({e[1]})")),
            st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
                lambda e: (f"{e[0][0]} {e[1]}\n{e[2][0]}", f"{e[0][1]} {e[1]} {e[2][1]}")
            ),
        ),
        max_leaves=12,
    )


@given(st.data())
def test_expressions_mean_what_python_means_on_dicts(data):
    n = data.draw(st.integers(0, 8))
    tags = {
        name: data.draw(st.lists(st.sampled_from(["yes", "no", "1", "-1", ""]), min_size=n,
                                 max_size=n))
        for name in NAMES
    }  # fmt: skip
    names = {name: f"t{i}" for i, name in enumerate(NAMES)}
    names |= {f"'{NAMES[0]}'": "t0", "Young == yes": "(v0 == 'yes')", "is-it != ''": "(v3 != '')"}
    ours, theirs = data.draw(expressions(names))
    found = matching(face_set(["p"] * n, **tags), ours)
    for i in range(n):
        row = {f"t{k}": tags[name][i] in ("yes", "1") for k, name in enumerate(NAMES)}
        row |= {f"v{k}": tags[name][i] for k, name in enumerate(NAMES)}
        assert found[i] == eval(theirs, {}, row)


def test_values_may_have_spaces_and_quotes():
    faces = face_set("abc", pose=["half profile", "frontal", ""], **{"hair colour": ["x", "y", ""]})
    assert matching(faces, "pose == 'half profile'").tolist() == [True, False, False]
    assert matching(faces, 'pose != "half profile" and pose!=""').tolist() == [False, True, False]
    assert matching(faces, '"hair colour"==x').tolist() == [True, False, False]


@pytest.mark.parametrize(
    "expression",
    [
        "", "Male and", "Male Young", "(Male", "not", "Male == ", "Male = yes",
        "Male == yes == yes",
        "Male(Young)", "Male < Young Male", "()", "'Male", "Male, Young", "Male if Young else Male",
        "Male == (Young)  == no", "not " * 20_000 + "Male", "(" * 500 + "Male" + ")" * 500,
        "Male\0 Young", "[Male", "(Male == yes) == no", "Male == not Young", "and",
    ],
)  # fmt: skip
def test_what_is_outside_the_grammar_is_refused_in_one_sentence(expression):
    faces = face_set("ab", Male=["yes", "no"], Young=["yes", "no"])
    with pytest.raises(DataError, match=r"cannot be understood|has no tag") as caught:
        matching(faces, expression)
    assert "Traceback" not in str(caught.value)


def test_nothing_is_ever_run(tmp_path):
    target = tmp_path / "made"
    faces = face_set("ab", Male=["yes", "no"])
    for text in (f"__import__('os').mkdir('{target}')", f"open('{target}', 'w')", "Male.__class__"):
        with pytest.raises(DataError):
            matching(faces, text)
    assert not target.exists()


def test_unknown_tags_name_close_ones():
    faces = face_set("ab", Eyeglasses=["yes", "no"], Wearing_Hat=["no", "no"])
    with pytest.raises(DataError, match=r"no tag 'Eyeglases'; did you mean Eyeglasses\?"):
        matching(faces, "not Eyeglases")
    with pytest.raises(DataError, match=r"no tag 'qqq'; its tags are Eyeglasses, Wearing_Hat"):
        matching(faces, "qqq")
    with pytest.raises(DataError, match="none; join some with a tags CSV"):
        matching(face_set("ab"), "Male")


def test_a_tag_that_is_not_yes_or_no_must_be_compared():
    faces = face_set("ab", gender=["female", ""])
    with pytest.raises(DataError, match=r"write gender == 'female'"):
        matching(faces, "gender")


PHOTOS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["yes", "no", "x", ""])), max_size=30
)


@given(PHOTOS)
def test_one_class_each_against_a_loop(photos):
    people, classes = [str(p) for p, _ in photos], [c for _, c in photos]
    kept = one_class_each(face_set(people, tag=classes), "tag")
    overall = Counter(c for c in classes if c)
    for person in set(people):
        own = Counter(c for p, c in zip(people, classes, strict=True) if p == person and c)
        best = min(own, key=lambda c: (-own[c], -overall[c], c)) if own else None
        for i, name in enumerate(people):
            if name == person:
                assert kept[i] == (classes[i] == best)


@given(PHOTOS.filter(len), st.integers(1, 4))
def test_at_least_so_many_photos_a_person_after_all_else(photos, at_least):
    people, classes = [str(p) for p, _ in photos], [c for _, c in photos]
    faces = face_set(people, tag=classes)
    rows = [i for i, c in enumerate(classes) if c == "yes"]
    counts = Counter(people[i] for i in rows)
    rows = [i for i in rows if counts[people[i]] >= at_least]
    if not rows:
        with pytest.raises(DataError, match="no photo passes the filters"):
            filter_faces(faces, "tag == yes", at_least=at_least)
        return
    kept = filter_faces(faces, "tag == yes", at_least=at_least)
    assert kept.photos == tuple(faces.photos[i] for i in rows)


def test_without_filters_all_photos_pass():
    faces = face_set("aab")
    assert filter_faces(faces).photos == faces.photos
