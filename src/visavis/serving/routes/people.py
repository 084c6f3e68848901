"""The people of the gallery: listed, enrolled, changed, forgotten."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse

from visavis.errors import DataError, PhotoError, UnavailableError, UnknownPersonError
from visavis.matching.gallery.answers import Enrolled
from visavis.matching.gallery.named_groups import face_in
from visavis.matching.gallery.names import lookup_key
from visavis.matching.gallery.people_table import Agreement
from visavis.matching.gallery.rows import Person
from visavis.photos.face import Face
from visavis.photos.photo import Photo
from visavis.serving.answers_people import (
    EnrolAnswer,
    ForgetAnswer,
    NotAnswer,
    PeopleAnswer,
    PersonAnswer,
    ShowAnswer,
)
from visavis.serving.asking import ask, gives, look, reply, takes
from visavis.serving.auth import needs
from visavis.serving.errors import ApiError
from visavis.serving.photos import by_file_name, opened, opened_if_possible
from visavis.serving.routes.comparing import BASE64, PHOTO_REFUSALS
from visavis.serving.schemas import (
    ChangeFields,
    EnrolFields,
    MergeFields,
    NotFields,
    PhotosFields,
)
from visavis.serving.service import Service

router = APIRouter(prefix="/v1/people", tags=["people"])

ENROL = Depends(needs("enrol"))
ADMIN = Depends(needs("admin"))


@router.get("", summary="Everybody", dependencies=[ENROL], responses=gives(PeopleAnswer, 422))
async def list_people(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=500, description="People of a page.")] = 50,
    cursor: Annotated[str, Query(max_length=2000, description="`next` of the page before.")] = "",
) -> JSONResponse:
    """People in the order of their names, a page at a time."""
    return reply(request, await look(request, lambda service: _page(service, limit, cursor)))


def _page(service: Service, limit: int, cursor: str) -> dict[str, Any]:
    everybody = service.gallery.people()
    after = _read_cursor(cursor)
    left = [person for person in everybody if lookup_key(person.name) > after]
    page = left[:limit]
    return {
        "people": [plain(person) for person in page],
        "total": len(everybody),
        "next": _cursor(page[-1]) if len(left) > limit else None,
    }


def _cursor(last: Person) -> str:
    return base64.urlsafe_b64encode(lookup_key(last.name)).decode()


def _read_cursor(cursor: str) -> bytes:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        message = "this is no cursor; give `next` of the page before"
        raise ApiError(422, "bad_fields", message, {"fields": {"cursor": message}}) from None


@router.post(
    "",
    summary="Enrol somebody",
    dependencies=[ENROL],
    openapi_extra=takes(EnrolFields, {"name": "Ada Lovelace", "photos": [BASE64]}),
    responses={**gives(EnrolAnswer, *PHOTO_REFUSALS), **gives(EnrolAnswer, status=201)},
)
async def enrol(request: Request) -> JSONResponse:
    """201 for somebody new; a name that is known gets more photos, with 200."""
    answer, new = await ask(request, EnrolFields, _enrol_anybody)
    return reply(request, answer, 201 if new else 200)


def _enrol_anybody(service: Service, asked: EnrolFields) -> tuple[dict[str, Any], bool]:
    new = not _is_known(service, asked.name)
    return _enrol(service, asked.name, asked, asked.consent, asked.expires), new


def _is_known(service: Service, name: str) -> bool:
    try:
        service.gallery.show(name)
    except UnknownPersonError:
        return False
    return True


def _enrol(
    service: Service,
    name: str,
    asked: PhotosFields,
    consent: str | None = None,
    expires: datetime | None = None,
) -> dict[str, Any]:
    with opened_if_possible(service, by_file_name(asked.photos, "photos")) as photos:
        good = [photo for photo in photos if not isinstance(photo, PhotoError)]
        bad = [photo for photo in photos if isinstance(photo, PhotoError)]
        enrolled = Enrolled(name, [], [], [])
        if good:
            enrolled = service.gallery.enrol(
                name, good, force=asked.force, keep_crops=asked.keep_crops,
                consent=consent, expires=expires, faces=asked.faces,
            )  # fmt: skip
    answer = enrolled.as_dict()
    answer["skipped"] = [str(reason) for reason in bad] + answer["skipped"]
    if not enrolled:
        raise ApiError(422, "nobody_enrolled", answer["skipped"][0], {"skipped": answer["skipped"]})
    del answer["name"]
    person, _ = service.gallery.show(enrolled.name)
    return {"person": plain(person), **answer}


@router.post(
    "/merge",
    summary="Two people are one",
    dependencies=[ADMIN],
    openapi_extra=takes(MergeFields, {"person": "A. Lovelace", "into": "Ada Lovelace"}),
    responses=gives(PersonAnswer, 404, 408, 409, 413, 415, 422),
)
async def merge(request: Request) -> JSONResponse:
    """All that is known of one becomes the other's."""
    return reply(request, await ask(request, MergeFields, _merge))


def _merge(service: Service, asked: MergeFields) -> dict[str, Any]:
    person, into = find(service, asked.person), find(service, asked.into)
    if person.number == into.number:
        raise ApiError(409, "conflict", f"{person.name} and {into.name} are one person already")
    return {"person": plain(service.gallery.merge(person.name, into.name))}


@router.get(
    "/{who}", summary="Somebody", dependencies=[ENROL], responses=gives(ShowAnswer, 404, 422)
)
async def show(request: Request, who: str) -> JSONResponse:
    """A person, by id or name, and what is known of each photo."""
    return reply(request, await look(request, lambda service: _show(service, who)))


def _show(service: Service, who: str) -> dict[str, Any]:
    person, faces = service.gallery.show(find(service, who).name)
    return {"person": plain(person), "faces": [face.as_dict() for face in faces]}


@router.patch(
    "/{who}",
    summary="Rename somebody, or note what they agreed to",
    dependencies=[ADMIN],
    openapi_extra=takes(ChangeFields, {"name": "Ada King", "expires": "2030-01-01T00:00:00Z"}),
    responses=gives(PersonAnswer, 404, 408, 409, 413, 415, 422),
)
async def change(request: Request, who: str) -> JSONResponse:
    """What is left out stays as it is; null takes a note or an expiry away."""
    return reply(request, await ask(request, ChangeFields, lambda s, a: _change(s, who, a)))


def _change(service: Service, who: str, asked: ChangeFields) -> dict[str, Any]:
    person = find(service, who)
    if asked.name is not None:
        try:
            person = service.gallery.rename(person.name, asked.name)
        except (UnknownPersonError, UnavailableError):
            raise
        except DataError as error:
            raise ApiError(409, "conflict", str(error)) from None
    agreed = Agreement()
    if "consent" in asked.model_fields_set:
        agreed["consent"] = asked.consent
    if "expires" in asked.model_fields_set:
        agreed["expires"] = asked.expires
    if agreed:
        person = service.gallery.agree(person.name, **agreed)
    return {"person": plain(person)}


@router.delete(
    "/{who}", summary="Forget somebody", dependencies=[ADMIN],
    responses=gives(ForgetAnswer, 404, 422),
)  # fmt: skip
async def forget(request: Request, who: str) -> JSONResponse:
    """They are deleted from every table, index and file; backups are out of reach."""
    return reply(request, await look(request, lambda service: _forget(service, who)))


def _forget(service: Service, who: str) -> dict[str, Any]:
    return service.gallery.forget(find(service, who).name).as_dict()


@router.post(
    "/{who}/photos",
    summary="More photos of somebody",
    dependencies=[ENROL],
    openapi_extra=takes(PhotosFields, {"photos": [BASE64]}),
    responses=gives(EnrolAnswer, 404, *PHOTO_REFUSALS),
)
async def add_photos(request: Request, who: str) -> JSONResponse:
    """As enrolling, for somebody who is known."""
    return reply(request, await ask(request, PhotosFields, lambda s, a: _add(s, who, a)))


def _add(service: Service, who: str, asked: PhotosFields) -> dict[str, Any]:
    return _enrol(service, find(service, who).name, asked)


@router.post(
    "/{who}/not",
    summary="A photo does not show them",
    dependencies=[ENROL],
    openapi_extra=takes(NotFields, {"photo": BASE64}),
    responses=gives(NotAnswer, 404, *PHOTO_REFUSALS),
)
async def reject(request: Request, who: str) -> JSONResponse:
    """They are not named for it again; where it was enrolled for them, it is no longer."""
    return reply(request, await ask(request, NotFields, lambda s, a: _reject(s, who, a)))


def _reject(service: Service, who: str, asked: NotFields) -> dict[str, Any]:
    person = find(service, who)
    with opened(service, {"photo": asked.photo}) as photos:
        removed = service.gallery.reject(person.name, _meant(service, photos["photo"], asked.box))
    left = service.gallery.numbered(person.number)
    return {"person": left and plain(left), "removed": removed}


def _meant(service: Service, photo: Photo, box: list[float] | None) -> Photo | Face:
    """The face in a place of a photo; the photo itself where none is named."""
    if box is None:
        return photo
    left, top, width, height = box
    place = left, top, width, height
    face = face_in(service.model, photo, place) if min(width, height) > 0 else None
    if face is None:
        message = "no face of the photo is in that place"
        raise ApiError(422, "no_face", message, {"field": "box"})
    return face


def find(service: Service, who: str) -> Person:
    """The person of an id or a name.

    Raises:
        UnknownPersonError: nobody is called so.
    """
    if who.isascii() and who.isdigit() and int(who) < 2**63:
        person = service.gallery.numbered(int(who))
        if person:
            return person
    return service.gallery.show(who)[0]


def plain(person: Person) -> dict[str, Any]:
    """A person for JSON: the number as text, for many readers of JSON round large numbers."""
    values = person.as_dict()
    return {"id": str(values.pop("number")), **values}
