"""On-site photos matched with references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from visavis.errors import VisavisError
from visavis.matching.found import FoundFace, FoundFaces
from visavis.matching.pair_photos import NamedFaces, PairingRule, pair_found
from visavis.models.embed import find_faces
from visavis.photos.face import Face
from visavis.photos.photo import Photo
from visavis.serving.answers import MatchAnswer
from visavis.serving.asking import ask, gives, reply, takes, timed
from visavis.serving.auth import needs
from visavis.serving.errors import ApiError, api_error
from visavis.serving.photos import by_file_name, opened_if_possible, size
from visavis.serving.routes.comparing import BASE64, PHOTO_REFUSALS
from visavis.serving.schemas import MatchFields, Upload
from visavis.serving.service import Service

router = APIRouter(prefix="/v1", tags=["compare"], dependencies=[Depends(needs("verify"))])


@router.post(
    "/match",
    summary="On-site photos beside their nearest references",
    openapi_extra=takes(MatchFields, {"references": [BASE64, BASE64], "onsite": [BASE64]}),
    responses=gives(MatchAnswer, *PHOTO_REFUSALS),
)
async def match(request: Request) -> JSONResponse:
    """One face of each photo; a photo that cannot be used is skipped."""
    return reply(request, await ask(request, MatchFields, timed(_match)))


def _match(service: Service, asked: MatchFields) -> dict[str, Any]:
    names = asked.names or [_name(upload, i) for i, upload in enumerate(asked.references)]
    if len(names) != len(asked.references):
        message = f"there are {len(names)} names for {len(asked.references)} references"
        raise ApiError(422, "bad_fields", message, {"fields": {"names": message}})
    rule = PairingRule(
        asked.open_set, asked.one_to_one, asked.fpir, asked.fmr, asked.threshold, asked.prior,
        asked.faces,
    )  # fmt: skip
    known = _Side(service, asked.references, "references", rule)
    onsite = _Side(service, asked.onsite, "onsite", rule)
    paired = pair_found(
        service.model,
        NamedFaces(known.found, [names[row] for row in known.rows]),
        NamedFaces(onsite.found, [""] * len(onsite.rows)),
        rule,
    )
    row_of = {id(face): row for face, row in zip(known.found.faces, known.rows, strict=True)}
    pairs = [
        {
            "onsite_index": row,
            "reference_index": row_of[id(pair.reference)],
            "matched": pair.matched,
            **pair.as_dict(),
            "reference_box": pair.reference.as_dict()["box"],
        }
        for row, pair in zip(onsite.rows, paired.pairs, strict=True)
    ]
    return {
        **paired.as_dict(),
        "pairs": pairs,
        "skipped": known.skipped + onsite.skipped,
        "photos": {"references": known.sizes, "onsite": onsite.sizes},
    }


class _Side:
    """The faces of one list of photos.

    Attributes:
        found: one face of each photo that has one.
        rows: the places of those photos in the list.
        skipped: the others, with the reason.
        sizes: of every photo that could be opened.

    Raises:
        ApiError: no photo has a face; that of the first.
    """

    def __init__(
        self, service: Service, uploads: list[Upload], field: str, rule: PairingRule
    ) -> None:
        self.sizes: list[dict[str, int] | None] = []
        self.rows: list[int] = []
        errors: dict[int, VisavisError] = {}
        faces: list[FoundFace] = []
        crops = []
        for row, (name, upload) in enumerate(by_file_name(uploads, field).items()):
            # One photo at a time is decoded, and its crop is all that is kept of it.
            with opened_if_possible(service, {name: upload}) as (photo,):
                self.sizes.append(size(photo) if isinstance(photo, Photo) else None)
                try:
                    face, count = _one_face(service, photo, rule)
                except VisavisError as error:
                    errors[row] = error
                    continue
                crops.append(service.model.crop(face))
            faces.append(FoundFace(Path(name), face.box, count, b""))
            self.rows.append(row)
        self.skipped = [
            {"field": f"{field}[{row}]", "message": str(error)}
            for row, error in sorted(errors.items())
        ]
        if not faces:
            first = min(errors)
            raise api_error(errors[first], {"field": f"{field}[{first}]"})
        embeddings = service.model.encode(np.stack(crops))
        self.found = FoundFaces(faces, embeddings, len(uploads), [])


def _one_face(service: Service, photo: Photo | VisavisError, rule: PairingRule) -> tuple[Face, int]:
    if isinstance(photo, VisavisError):
        raise photo
    (face,), count = find_faces(service.model, photo, rule.faces)
    return face, count


def _name(upload: Upload, number: int) -> str:
    """Whom a reference shows, where nobody says: its file's name, or its number."""
    return Path(upload.name).stem or f"reference {number + 1}"
