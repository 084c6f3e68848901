from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

import visavis
from served import COLLINS, OBAMA, Client, form, refused, serving
from visavis.serving import answers

GREY = np.full((80, 80, 3), 128, np.uint8)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def encoded(path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


@pytest.fixture(scope="module")
def client(model, tmp_path_factory):
    with serving(model, tmp_path_factory.mktemp("served")) as client:
        yield client


def test_verify_answers_as_python_does(client: Client, model):
    response = client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": OBAMA[2]}, prior=0.1)
    assert response.status_code == 200
    answer = response.json()
    TypeAdapter(answers.VerifyAnswer).validate_python(answer)
    verdict = visavis.verify(OBAMA[0], OBAMA[2], model=model, prior=0.1)
    expected = verdict.as_dict()
    assert answer["same"] is True
    assert answer["similarity"] == pytest.approx(expected["similarity"], abs=1e-3)
    assert answer["probability"] == pytest.approx(expected["probability"], abs=1e-3)
    assert answer["threshold"] == expected["threshold"]
    assert answer["faces"][0]["box"] == expected["faces"][0]["box"]
    assert [face["photo"] for face in answer["faces"]] == ["photo_a", "photo_b"]
    assert answer["photos"][0] == {"width": 522, "height": 1000}


def test_json_and_form_give_one_answer(client: Client):
    as_form = client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": COLLINS}, fmr=0.01)
    body = {"photo_a": encoded(OBAMA[0]), "photo_b": encoded(COLLINS), "fmr": 0.01}
    as_json = client.post("/v1/verify", json=body)
    for answer in (as_form, as_json):
        assert answer.status_code == 200
        assert answer.json()["same"] is False
    volatile = {"request_id", "seconds"}
    first, second = (
        {key: value for key, value in answer.json().items() if key not in volatile}
        for answer in (as_form, as_json)
    )
    assert first == second


def test_every_face_of_both(client: Client):
    response = client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": COLLINS}, faces="all")
    TypeAdapter(answers.VerdictsAnswer).validate_python(response.json())
    assert [verdict["same"] for verdict in response.json()["verdicts"]] == [False]


def test_a_threshold_of_the_callers(client: Client):
    answer = client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": OBAMA[2]}, threshold=0.99)
    assert answer.json()["same"] is False
    assert answer.json()["threshold_fitted_on"] == "given by the caller"


@pytest.mark.parametrize(
    ("photo", "status", "code"),
    [
        (b"", 422, "damaged_photo"),
        (b"no image", 415, "unsupported_photo"),
        (OBAMA[0].read_bytes()[:3000], 422, "damaged_photo"),
        (png(GREY), 422, "no_face"),
    ],
)
def test_a_bad_photo_is_named(client: Client, photo, status, code):
    error = refused(
        client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": photo}), status, code
    )
    assert error["details"] == {"field": "photo_b"}
    assert "photo_b" in error["message"]


@pytest.mark.parametrize(
    "field",
    [
        {"fmr": 2}, {"fmr": "nan"}, {"prior": 0}, {"faces": "some"}, {"threshold": "inf"},
        {"colour": "red"}, {"photo_c": "x"},
    ],
)  # fmt: skip
def test_wrong_fields(client: Client, field):
    response = client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": COLLINS}, **field)
    assert list(refused(response, 422, "bad_fields")["details"]["fields"]) == list(field)


def test_missing_and_doubled_fields(client: Client):
    error = refused(client.photos("/v1/verify", {"photo_a": OBAMA[0]}), 422, "bad_fields")
    assert list(error["details"]["fields"]) == ["photo_b"]
    both = {"photo_a": [OBAMA[0], OBAMA[1]], "photo_b": COLLINS}
    assert "twice" in refused(client.photos("/v1/verify", both), 422, "bad_fields")["message"]


def test_addresses_and_paths_are_never_opened(client: Client, tmp_path):
    for photo in ("http://example.org/a.jpg", "/etc/passwd", str(OBAMA[0]), "file:///etc/passwd"):
        error = refused(
            client.post("/v1/verify", json={"photo_a": photo, "photo_b": encoded(COLLINS)}),
            422,
            "bad_fields",
        )
        assert "base64" in error["message"]
        assert photo not in error["message"]


def test_a_rate_that_no_figures_support(client: Client):
    response = client.photos("/v1/verify", {"photo_a": OBAMA[0], "photo_b": COLLINS}, fmr=1e-12)
    refused(response, 422, "unsupported_rate")


def test_explain_draws_a_png_of_either_kind(client: Client, monkeypatch):
    from visavis.matching import explain

    monkeypatch.setattr(explain, "PATCHES_ACROSS", 2)  # a few patches say the same as hundreds
    both = {"photo_a": OBAMA[0], "photo_b": OBAMA[2]}
    pictures = [client.photos("/v1/explain", both, picture=kind) for kind in ("verdict", "maps")]
    for response in pictures:
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/png"
        with Image.open(io.BytesIO(response.content)) as picture:
            assert picture.format == "PNG"
            assert picture.width > 600
    assert pictures[0].content != pictures[1].content


def test_what_cannot_be_explained(client: Client):
    blank = {"photo_a": OBAMA[0], "photo_b": png(GREY)}
    refused(client.photos("/v1/explain", blank), 422, "no_face")
    both = {"photo_a": OBAMA[0], "photo_b": OBAMA[2]}
    refused(client.photos("/v1/explain", both, faces="all"), 422, "bad_fields")


def test_embed_gives_what_the_model_gives(client: Client, model, sample_faces):
    answer = client.photos("/v1/embed", {"photo": COLLINS}).json()
    TypeAdapter(answers.EmbedAnswer).validate_python(answer)
    (face,) = answer["faces"]
    expected = model.encode([sample_faces["collins"]])[0]
    assert np.dot(face["embedding"], expected) > 0.999
    assert answer["fingerprint"] == model.card.fingerprint
    refused(client.photos("/v1/embed", {"photo": png(GREY)}), 422, "no_face")


def test_match_joins_by_place(client: Client):
    response = client.photos(
        "/v1/match",
        {"references": [COLLINS, OBAMA[0]], "onsite": [OBAMA[2], png(GREY), COLLINS]},
        faces="largest",
    )
    assert response.status_code == 200
    answer = response.json()
    TypeAdapter(answers.MatchAnswer).validate_python(answer)
    joined = [(pair["onsite_index"], pair["reference_index"]) for pair in answer["pairs"]]
    assert joined == [(0, 1), (2, 0)]
    assert [pair["person"] for pair in answer["pairs"]] == ["obama_2009", "collins"]
    assert [skipped["field"] for skipped in answer["skipped"]] == ["onsite[1]"]
    assert answer["photos"]["onsite"][1] == {"width": 80, "height": 80}


def test_match_in_an_open_set_knows_a_stranger(client: Client):
    response = client.photos(
        "/v1/match",
        {"references": [OBAMA[0], OBAMA[1]], "onsite": [COLLINS, OBAMA[2]]},
        names=["Barack", "Barack"], open_set=True,
    )  # fmt: skip
    pairs = response.json()["pairs"]
    assert [pair["person"] for pair in pairs] == [None, "Barack"]
    assert [pair["matched"] for pair in pairs] == [False, True]
    assert response.json()["people"] == 1


def test_what_cannot_be_matched(client: Client):
    photos = {"references": [OBAMA[0], COLLINS], "onsite": [OBAMA[2]]}
    error = refused(client.photos("/v1/match", photos, names=["one"]), 422, "bad_fields")
    assert list(error["details"]["fields"]) == ["names"]
    one_person = {"references": [OBAMA[0]], "onsite": [OBAMA[2]]}
    refused(client.photos("/v1/match", one_person), 422, "refused")
    blank = {"references": [png(GREY)], "onsite": [OBAMA[2]]}
    error = refused(client.photos("/v1/match", blank), 422, "no_face")
    assert error["details"] == {"field": "references[0]"}
    refused(client.post("/v1/match", json={"references": [], "onsite": []}), 422, "bad_fields")


def test_files_that_share_a_name_are_not_one(client: Client):
    names = ("blob", "blob", "onsite[0]", "onsite[0]")
    onsite = [("onsite", (name, COLLINS.read_bytes(), "image/jpeg")) for name in names]
    references = form({"references": [COLLINS, OBAMA[0]]})
    pairs = client.post("/v1/match", files=[*references, *onsite]).json()["pairs"]
    assert [pair["onsite_index"] for pair in pairs] == [0, 1, 2, 3]
    assert len({pair["photo"] for pair in pairs}) == 4
