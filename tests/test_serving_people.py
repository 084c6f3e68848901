from __future__ import annotations

import base64
import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from pydantic import TypeAdapter

import visavis
from generated_gallery import PlantedModel
from served import COLLINS, OBAMA, Client, form, refused, serving
from visavis.errors import DataError
from visavis.matching.gallery.encryption import encrypt
from visavis.matching.gallery.key import new_key_file
from visavis.serving import answers, answers_people
from visavis.serving.limits import Limits


@pytest.fixture
def client(model, tmp_path):
    with serving(model, tmp_path) as client:
        yield client


def enrol(client: Client, name: str, *photos, **fields) -> dict:
    response = client.photos("/v1/people", {"photos": list(photos)}, name=name, **fields)
    assert response.status_code == 201, response.text
    return response.json()["person"]


def test_enrol_identify_forget(client: Client):
    expires = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    response = client.photos(
        "/v1/people", {"photos": [OBAMA[0], OBAMA[1]]},
        name="Barack Obama", consent="signed on paper", expires=expires,
    )  # fmt: skip
    answer = response.json()
    TypeAdapter(answers_people.EnrolAnswer).validate_python(answer)
    assert answer["added"] == ["obama_2009.jpg", "obama_2010.jpg"]
    assert answer["person"]["consent"] == "signed on paper"
    assert answer["person"]["expires"] == f"{expires}T00:00:00+00:00"

    found = client.photos("/v1/identify", {"photo": OBAMA[2]}).json()
    TypeAdapter(answers.IdentifyAnswer).validate_python(found)
    assert found["answers"][0]["person"] == "Barack Obama"
    assert found["answers"][0]["candidates"][0]["id"] == answer["person"]["id"]

    stranger = client.photos("/v1/identify", {"photo": COLLINS}).json()["answers"][0]
    assert stranger["person"] is None
    assert stranger["nobody"] is True

    gone = client.delete(f"/v1/people/{answer['person']['id']}").json()
    TypeAdapter(answers_people.ForgetAnswer).validate_python(gone)
    assert gone["forgotten"] == ["Barack Obama"]
    after = client.photos("/v1/identify", {"photo": OBAMA[2]}).json()["answers"][0]
    assert after["person"] is None
    assert "nobody yet" in after["why"]


def test_a_frame_without_a_face_is_no_error_where_all_are_asked_for(client: Client):
    import numpy as np

    from test_serving_comparing import png

    wall = png(np.full((60, 90, 3), 200, np.uint8))
    answer = client.photos("/v1/identify", {"photo": wall}, faces="all")
    assert answer.status_code == 200
    assert answer.json()["answers"] == []
    assert answer.json()["photo"] == {"width": 90, "height": 60}
    refused(client.photos("/v1/identify", {"photo": wall}), 422, "no_face")


def test_known_people_get_more_photos(client: Client):
    person = enrol(client, "Ada", OBAMA[0])
    again = client.photos("/v1/people", {"photos": OBAMA[0]}, name="ada")
    assert again.status_code == 200
    assert again.json()["already"] == ["obama_2009.jpg"]
    more = client.photos(f"/v1/people/{person['id']}/photos", {"photos": OBAMA[1]})
    assert more.json()["person"]["photos"] == 2
    refused(client.photos("/v1/people/nobody/photos", {"photos": OBAMA[1]}), 404, "unknown_person")


def test_bad_photos_are_skipped_and_told(client: Client):
    response = client.photos("/v1/people", {"photos": [b"junk", OBAMA[0]]}, name="Ada")
    assert response.status_code == 201
    assert response.json()["added"] == ["obama_2009.jpg"]
    assert "not an image" in response.json()["skipped"][0]
    error = refused(
        client.photos("/v1/people", {"photos": [b"junk", b""]}, name="Eve"), 422, "nobody_enrolled"
    )
    assert len(error["details"]["skipped"]) == 2
    refused(client.get("/v1/people/Eve"), 404, "unknown_person")


def test_somebody_elses_photo_is_refused(client: Client):
    enrol(client, "Ada", OBAMA[0])
    error = refused(
        client.photos("/v1/people", {"photos": OBAMA[0]}, name="Eve"), 422, "nobody_enrolled"
    )
    assert "Ada" in error["message"]


@pytest.mark.parametrize("name", ["", " ", "a\x00b", "x" * 201, "\u202eada"])
def test_names_that_are_none(client: Client, name):
    response = client.post("/v1/people", json={"name": name, "photos": [_base64(OBAMA[0])]})
    assert response.status_code == 422
    assert response.json()["error"]["code"] in ("bad_fields", "refused")


def test_a_name_of_half_characters(client: Client):
    raw = b'{"name": "a\\ud800", "photos": ["%s"]}' % _base64(OBAMA[0]).encode()
    response = client.post("/v1/people", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code == 422


def test_show_by_id_and_by_name(client: Client):
    person = enrol(client, "Ada Lovelace", OBAMA[0])
    by_id = client.get(f"/v1/people/{person['id']}").json()
    by_name = client.get("/v1/people/ADA%20lovelace").json()
    TypeAdapter(answers_people.ShowAnswer).validate_python(by_id)
    assert by_id["person"] == by_name["person"] == person
    assert by_id["faces"][0]["file"] == "obama_2009.jpg"
    for who in ("nobody", "12", "9" * 30, "%00", "²"):
        refused(client.get(f"/v1/people/{who}"), *_unknown(who))


def _unknown(who: str) -> tuple[int, str]:
    return (422, "refused") if who == "%00" else (404, "unknown_person")


def test_a_person_whose_name_is_a_number(client: Client):
    person = enrol(client, "007", OBAMA[0])
    assert client.get("/v1/people/007").json()["person"]["id"] == person["id"]


def test_pages_of_people(client: Client, model):
    face = visavis.Photo.open(OBAMA[0])
    for number in range(5):
        client.service.gallery.enrol(f"Person {number}", [face], force=True)
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get("/v1/people", params={"limit": 2, "cursor": cursor}).json()
        TypeAdapter(answers_people.PeopleAnswer).validate_python(page)
        assert page["total"] == 5
        seen += [person["name"] for person in page["people"]]
        cursor, pages = page["next"], pages + 1
    assert seen == [f"Person {number}" for number in range(5)]
    assert pages == 3
    for bad in ({"limit": 0}, {"limit": 501}, {"limit": "many"}, {"cursor": "%%%"}):
        refused(client.get("/v1/people", params=bad), 422, "bad_fields")


def test_change_and_merge(client: Client):
    ada = enrol(client, "Ada", OBAMA[0])
    eve = enrol(client, "Eve", OBAMA[1])
    changed = client.patch(f"/v1/people/{ada['id']}", json={"name": "Ada King", "consent": "yes"})
    assert changed.json()["person"] | {"photos": 1} == ada | {"name": "Ada King", "consent": "yes"}
    expiring = client.patch("/v1/people/Eve", json={"expires": "2031-02-03T04:05:06"})
    assert expiring.json()["person"]["expires"] == "2031-02-03T04:05:06+00:00"
    both = {"name": "ada king", "consent": "never"}
    refused(client.patch("/v1/people/Eve", json=both), 409, "conflict")
    assert client.get("/v1/people/Eve").json()["person"]["consent"] is None  # all or nothing
    refused(client.patch("/v1/people/nobody", json={"name": "x"}), 404, "unknown_person")
    refused(client.patch("/v1/people/Eve", json={"expires": "soon"}), 422, "bad_fields")

    same = {"person": "Eve", "into": eve["id"]}
    refused(client.post("/v1/people/merge", json=same), 409, "conflict")
    refused(
        client.post("/v1/people/merge", json={"person": "a", "into": "b"}), 404, "unknown_person"
    )
    merged = client.post("/v1/people/merge", json={"person": "Eve", "into": ada["id"]})
    assert merged.json()["person"]["photos"] == 2
    refused(client.get("/v1/people/Eve"), 404, "unknown_person")


def test_a_wrong_answer_is_not_given_again(client: Client):
    person = enrol(client, "Ada", OBAMA[0])
    found = client.photos("/v1/identify", {"photo": OBAMA[2]}).json()["answers"][0]
    assert found["person"] == "Ada"
    told = client.photos(f"/v1/people/{person['id']}/not", {"photo": OBAMA[2]}).json()
    TypeAdapter(answers_people.NotAnswer).validate_python(told)
    assert told["removed"] is False
    after = client.photos("/v1/identify", {"photo": OBAMA[2]}).json()["answers"][0]
    assert after["person"] is None
    removed = client.photos("/v1/people/Ada/not", {"photo": OBAMA[0]}).json()
    assert removed["removed"] is True
    refused(client.photos("/v1/people/Eve/not", {"photo": OBAMA[0]}), 404, "unknown_person")


def two_in_one(larger, smaller) -> bytes:
    """A photo of two people, one of them larger."""
    photo = Image.new("RGB", (900, 600), (188, 196, 204))
    for file, size, place in ((larger, (480, 600), (0, 0)), (smaller, (320, 400), (540, 100))):
        with Image.open(file) as portrait:
            photo.paste(portrait.resize(size), place)
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_wrong_answer_is_about_one_face_of_several(client: Client):
    collins = enrol(client, "Collins", COLLINS)
    both = two_in_one(OBAMA[0], COLLINS)
    faces = client.photos("/v1/identify", {"photo": both}, faces="all").json()["answers"]
    (named,) = (answer for answer in faces if answer["person"])
    path = f"/v1/people/{collins['id']}/not"
    told = client.photos(path, {"photo": both}, box=named["face"]["box"])
    assert told.json()["removed"] is False
    after = client.photos("/v1/identify", {"photo": both}, faces="all").json()["answers"]
    assert [answer["person"] for answer in after] == [None, None]
    (why,) = (answer["why"] for answer in after if answer["face"]["box"] == named["face"]["box"])
    assert "Collins ruled out by a recorded wrong answer" in why
    nowhere = client.photos(path, {"photo": both}, box=[880, 580, 10, 10])
    assert refused(nowhere, 422, "no_face")["details"] == {"field": "box"}
    refused(client.photos(path, {"photo": both}, box=[0, 0, -9, 9]), 422, "no_face")
    refused(client.photos(path, {"photo": both}, box=[1, 2, 3]), 422, "bad_fields")


def test_an_expiry_and_a_note_are_taken_away_by_null(client: Client):
    person = enrol(client, "Ada", OBAMA[0], consent="on paper", expires="2031-02-03")
    path = f"/v1/people/{person['id']}"
    assert client.patch(path, json={"name": "Ada King"}).json()["person"]["expires"]
    cleared = client.patch(path, json={"expires": None}).json()["person"]
    assert (cleared["expires"], cleared["consent"]) == (None, "on paper")
    again = client.patch(path, json={"expires": "2032-01-01", "consent": None}).json()["person"]
    assert (again["expires"], again["consent"]) == ("2032-01-01T00:00:00+00:00", None)
    assert client.patch(path, json={}).json()["person"] == again
    assert client.patch(path, json={"consent": ""}).json()["person"]["consent"] is None


def test_somebody_whose_expiry_is_taken_away_is_named_again(client: Client):
    person = enrol(client, "Ada", OBAMA[0], expires="2020-01-01")
    path = f"/v1/people/{person['id']}"
    assert client.photos("/v1/identify", {"photo": OBAMA[2]}).json()["answers"][0]["nobody"]
    client.patch(path, json={"expires": None})
    found = client.photos("/v1/identify", {"photo": OBAMA[2]}).json()["answers"][0]
    assert found["person"] == "Ada"


def test_the_gallery_and_its_check(client: Client):
    enrol(client, "Ada", OBAMA[0])
    info = client.get("/v1/gallery").json()
    TypeAdapter(answers_people.GalleryAnswer).validate_python(info)
    assert (info["people"], info["photos"]) == (1, 1)
    check = client.get("/v1/gallery/check").json()
    TypeAdapter(answers_people.CheckAnswer).validate_python(check)
    assert (check["good"], check["not_compared"]) == (True, None)
    (single,) = check["findings"]
    assert (single["kind"], single["photos"][0]["person"]) == ("single", "Ada")
    assert single["mend"]


def test_a_gallery_of_another_model(model, tmp_path):
    with visavis.Gallery(tmp_path / "people.db", PlantedModel()):
        pass
    with serving(model, tmp_path) as client:
        error = refused(client.photos("/v1/identify", {"photo": OBAMA[0]}), 409, "other_model")
        assert "planted" in error["message"]
        assert client.get("/v1/health").status_code == 200


def test_photos_of_one_request_have_a_bound_together(model, tmp_path):
    limits = Limits(pixels=1_000_000, held_pixels=1_000_000)
    with serving(model, tmp_path, limits) as client:
        photos = {"photos": [OBAMA[0], OBAMA[2]]}
        refused(client.photos("/v1/people", photos, name="Ada"), 413, "too_large")
        assert client.photos("/v1/people", {"photos": OBAMA[0]}, name="Ada").status_code == 201


def test_files_of_a_form_are_what_is_enrolled(client: Client):
    files = form({"photos": OBAMA[0]})
    files[0] = ("photos", ("../../etc/na\x07me.jpg", files[0][1][1], "image/jpeg"))
    response = client.post("/v1/people", files=files, data={"name": "Ada"})
    assert response.json()["added"][0].rpartition("/")[0] == ""


def _base64(path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_an_encrypted_gallery_is_served_by_its_key(model, tmp_path):
    new_key_file(tmp_path / "key")
    key = visavis.GalleryKey.from_file(tmp_path / "key")
    with serving(model, tmp_path, key=key) as client:
        enrol(client, "Ada", OBAMA[0])
        answers_ = client.photos("/v1/identify", {"photo": OBAMA[2]}).json()["answers"]
        assert answers_[0]["person"] == "Ada"
    assert not any(b"Ada" in file.read_bytes() for file in tmp_path.glob("people.db*"))
    with pytest.raises(DataError, match="is encrypted: give its key"), serving(model, tmp_path):
        pass


def test_a_gallery_that_is_encrypted_meanwhile(model, tmp_path):
    new_key_file(tmp_path / "key")
    with serving(model, tmp_path) as client:
        enrol(client, "Ada", OBAMA[0])
        encrypt(tmp_path / "people.db", visavis.GalleryKey.from_file(tmp_path / "key"))
        error = refused(
            client.photos("/v1/identify", {"photo": OBAMA[2]}), 503, "gallery_unavailable"
        )
        assert error["message"].startswith("the gallery was encrypted")
