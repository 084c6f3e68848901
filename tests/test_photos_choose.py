"""Which face of a photo is meant."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.errors import CrowdError
from visavis.photos.choose import choose_faces
from visavis.photos.face import Face
from visavis.photos.photo import Photo

PHOTO = Photo(np.zeros((100, 200, 3), np.uint8), "group.jpg")


def face(left: float, top: float, width: float, height: float) -> Face:
    return Face(PHOTO, (left, top, width, height), np.zeros((5, 2), np.float32), 0.9)


WIDE, CENTRAL, LEFT = face(130, 0, 60, 60), face(90, 40, 15, 20), face(5, 5, 30, 30)
CROWD = [WIDE, CENTRAL, LEFT]


def test_largest():
    assert choose_faces(CROWD, "largest") == [WIDE]
    assert choose_faces(CROWD[::-1], "largest") == [WIDE]


def test_central_holds_the_central_pixel():
    assert choose_faces(CROWD, "central") == [CENTRAL]
    # A large box that holds the centre beats one whose own centre is nearer to it.
    holder, nearer = face(0, 0, 101, 100), face(101, 40, 20, 20)
    assert choose_faces([nearer, holder], "central") == [holder]


def test_central_is_else_the_nearest():
    assert choose_faces([LEFT, face(150, 40, 20, 20)], "central")[0].box[0] == 150


def test_all_keeps_their_order():
    assert choose_faces(CROWD, "all") == CROWD


def test_one_refuses_a_crowd():
    assert choose_faces([LEFT], "one") == [LEFT]
    with pytest.raises(CrowdError, match=r"group\.jpg shows 3 faces .* --faces largest") as caught:
        choose_faces(CROWD, "one")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("choice", ["largest", "central", "one", "all"])
def test_nobody(choice):
    assert choose_faces([], choice) == []


def test_unknown_choice():
    with pytest.raises(ValueError, match="largest, central, one, all"):
        choose_faces(CROWD, "prettiest")
