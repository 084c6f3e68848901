"""One good answer of each kind, for the OpenAPI document; a test holds them to its schemas."""

from __future__ import annotations

from typing import Any

_ID = {"request_id": "0f8fad5bd9cb469fa16570867728950e"}
_SIZE = {"width": 640, "height": 480}
_FITTED = "all comparisons of LFW View 1 devTrain"


def _face(photo: str) -> dict[str, Any]:
    return {
        "photo": photo,
        "box": [168.1, 91.7, 129.8, 136.3],
        "landmarks": [
            [205.1, 133.1],
            [257.8, 131.0],
            [231.3, 160.2],
            [208.3, 185.9],
            [251.9, 183.6],
        ],
        "score": 0.9517,
        "eye_distance": 52.7,
        "turn": 0.093,
        "sharpness": 393.7,
        "faces_in_photo": 1,
    }


_PERSON = {
    "id": "7353874296993003912",
    "name": "Ada Lovelace",
    "photos": 2,
    "created": "2026-11-22T20:31:07.039339+00:00",
    "consent": "signed 2026-11-02",
    "expires": "2027-11-02T00:00:00+00:00",
}

PROBLEM: dict[str, Any] = {
    "error": {
        "code": "no_face",
        "message": "no face was found in photo_b",
        "details": {"field": "photo_b"},
    },
    **_ID,
}
VERIFY: dict[str, Any] = {
    "same": True,
    "verified": True,
    "probability": 0.99999,
    "prior": 0.5,
    "similarity": 0.7458,
    "threshold": 0.3665,
    "threshold_fmr": 0.001,
    "threshold_fitted_on": _FITTED,
    "model": "sface",
    "faces": [_face("photo_a"), _face("photo_b")],
    "warnings": [],
    "photos": [_SIZE, _SIZE],
    "seconds": 0.021,
    **_ID,
}
EMBED: dict[str, Any] = {
    "model": "sface",
    "fingerprint": "7ab8a8ac7a26e7de8a4ebcf27159ff060182ba1d4d1dfb34dee7d94d7a87395e",
    "faces": [{"face": _face("photo"), "embedding": [0.0177, -0.14, 0.1219]}],
    "photo": _SIZE,
    "seconds": 0.011,
    **_ID,
}
IDENTIFY: dict[str, Any] = {
    "answers": [
        {
            "person": "Ada Lovelace",
            "nobody": False,
            "similarity": 0.8081,
            "probability": 0.99999,
            "threshold": 0.319,
            "threshold_fpir": 0.01,
            "threshold_fmr": 0.005,
            "threshold_photos": 2,
            "threshold_fitted_on": _FITTED,
            "threshold_extrapolated": False,
            "margin": 0.0763,
            "why": "Ada Lovelace's similarity of 0.808 reaches 0.319, which a stranger reaches in "
            f"0.01 of all searches among 2 photos, fitted on {_FITTED}",
            "candidates": [
                {
                    "name": "Ada Lovelace",
                    "similarity": 0.8081,
                    "mean_similarity": 0.7769,
                    "photos": 2,
                    "probability": 0.99999,
                    "id": _PERSON["id"],
                }
            ],
            "model": "sface",
            "face": _face("photo"),
            "warnings": [],
        }
    ],
    "photo": _SIZE,
    "seconds": 0.014,
    **_ID,
}
MATCH: dict[str, Any] = {
    "model": "sface",
    "people": 2,
    "references": 2,
    "threshold": None,
    "threshold_fmr": None,
    "fpir": None,
    "named": 0,
    "right": 0,
    "pairs": [
        {
            "onsite_index": 0,
            "reference_index": 1,
            "matched": True,
            "photo": "door.jpg",
            "box": [168.1, 91.7, 129.8, 136.3],
            "person": "ada",
            "nearest": "ada",
            "reference": "ada.jpg",
            "reference_box": [126.2, 79.7, 110.3, 139.2],
            "similarity": 0.7458,
            "distance": 0.713,
            "probability": 0.99999,
            "expected": None,
            "right": None,
        }
    ],
    "skipped": [{"field": "onsite[1]", "message": "no face was found in wall.jpg"}],
    "photos": {"references": [_SIZE, _SIZE], "onsite": [_SIZE, _SIZE]},
    "seconds": 0.052,
    **_ID,
}
PEOPLE: dict[str, Any] = {"people": [_PERSON], "total": 1, "next": None, **_ID}
ENROL: dict[str, Any] = {
    "person": _PERSON,
    "added": ["ada1.jpg", "ada2.jpg"],
    "already": [],
    "skipped": [],
    **_ID,
}
FORGET: dict[str, Any] = {"forgotten": ["Ada Lovelace"], "photos": 2, "scrubbed": True, **_ID}
HEALTH: dict[str, Any] = {"status": "ok", "version": "0.1.0", "model": "sface", **_ID}
ME: dict[str, Any] = {"token": "door", "scopes": ["identify"], **_ID}
