"""The page in a real Chromium, before a real server: what a user does, and what they see."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from browser import Watched, chromium, find_chromium, open_page, serving, write_film
from generated_run import draw_pairs_of, draw_run, write_photos
from visavis.matching.gallery.gallery import Gallery
from visavis.models.model import Model
from visavis.photos.face import Face
from visavis.report.run_file import save_run

NO_CAMERA = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })"
REFUSED = """navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('', 'NotAllowedError');
}"""
REPORT = """<style>@media (prefers-color-scheme: dark) { h1 { color: rgb(1, 2, 3); } }</style>
<h1>A report</h1>"""
LONG_NAME = """import("/sightings.js").then(({ showSightings }) => showSightings({
    photo: { width: 640, height: 480 },
    answers: [{
        person: "Wolfe".repeat(40), similarity: 0.7, threshold: 0.3, threshold_photos: 2,
        margin: 0.1, probability: 0.99, why: "Wolfe".repeat(40), warnings: [],
        face: { box: [300, 200, 80, 90] },
        candidates: [{ name: "Wolfe".repeat(40), similarity: 0.7 }],
    }],
}))"""
LONG_PEOPLE = {
    "people": [{"id": "1", "name": "Wolfe" * 40, "photos": 1, "created": "2026-11-02T00:00:00Z",
                "consent": None, "expires": None}],
    "total": 1, "next": None,
}  # fmt: skip
LONG_FINDINGS = {
    "good": True, "problems": [], "not_compared": None,
    "findings": [{"why": "Wolfe" * 40, "mend": [f"visavis enrol {'Wolfe' * 40} PHOTOS"]}],
}  # fmt: skip
NOTE_PHOTOS = """window.sent = { identify: [], not: [] };
const fetched = fetch;
window.fetch = (address, how) => {
    window.sent[address.split("/").at(-1)]?.push(how.body.get("photo"));
    return fetched(address, how);
};"""
SENT_AGAIN = """async () => {
    const words = async (photo) => new TextDecoder("latin1").decode(await photo.arrayBuffer());
    const told = await words(window.sent.not[0]);
    const looked = await Promise.all(window.sent.identify.map(words));
    return looked.filter((photo) => photo === told).length ? 1 : 0;
}"""
ORIENTATION = 0x0112
VIEWS = ("compare", "live", "match", "people", "models")
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF")

Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything lies that the server writes."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def address(
    folder: Path, model: Model, samples: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server that knows Barack Obama from two photos, Joe Biden, and one run."""
    find_chromium()
    with Gallery(f"sqlite:///{folder / 'people.db'}", "sface") as gallery:
        gallery.use(model)
        obama = [samples / "obama_2010.jpg", samples / "obama_2012.jpg"]
        gallery.enrol("Barack Obama", obama, consent="on paper")
        gallery.enrol("Joe Biden", [samples / "biden_2010.jpg"])
    runs = folder / "runs"
    (runs / "twins").mkdir(parents=True)
    photos = tmp_path_factory.mktemp("photos")
    save_run(runs / "twins", draw_run(runs / "twins", draw_pairs_of(write_photos(photos))))
    (runs / "twins" / "report.html").write_text(REPORT)
    with serving(folder, "--runs", str(runs)) as printed:
        yield printed


@pytest.fixture(scope="module")
def browser(
    tmp_path_factory: pytest.TempPathFactory, sample_faces: dict[str, Face]
) -> Iterator[Any]:
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    write_film(film, sample_faces["obama_2009"], sample_faces["collins"])
    with chromium(film) as opened:
        yield opened


@pytest.fixture
def visit(address: str, browser: Any) -> Iterator[Visit]:
    """Opens a view; afterwards nothing may have gone wrong in it, or out of it."""
    opened: list[Watched] = []

    def go(view: str = "compare", *, script: str = "", **context: Any) -> Any:
        watched = open_page(browser, address, script=script, **context)
        opened.append(watched)
        watched.page.goto(f"{site_of(address)}#/{view}")
        return watched.page

    yield go
    for watched in opened:
        watched.page.context.close()
        site = site_of(address)
        assert [url for url in watched.requests if not url.startswith((site, "blob:" + site))] == []
        # A refusal is told in the page; the browser writes a line of its own for each.
        assert [line for line in watched.wrong if "status of 4" not in line] == []


def site_of(address: str) -> str:
    return address.partition("#")[0]


def put(page: Any, well: str, *photos: Path) -> None:
    page.set_input_files(f"{well} input[type=file]", photos)


def test_two_photos_are_compared_and_explained(visit: Visit, samples: Path) -> None:
    page = visit()
    put(page, "#photo-a", samples / "obama_2009.jpg")
    put(page, "#photo-b", samples / "obama_2012.jpg")
    verdict = page.locator("#verdict")
    verdict.get_by_role("heading", name="The same person").wait_for()
    assert "over\N{NO-BREAK SPACE}99.99" in verdict.inner_text()
    assert "at 1 in 1,000 false matches" in verdict.inner_text()
    assert page.locator(".face-box.same").count() == 2
    page.get_by_role("button", name="Show why").click()
    picture = page.locator("#explanation img")
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500
    page.get_by_role("button", name="Remove the second photo").click()
    put(page, "#photo-b", samples / "collins.jpg")
    verdict.get_by_role("heading", name="Different people").wait_for()


def test_boxes_lie_on_the_faces(
    visit: Visit, samples: Path, sample_faces: dict[str, Face], tmp_path: Path
) -> None:
    page = visit(viewport={"width": 800, "height": 700})
    lying = (
        tmp_path / "lying.jpg"
    )  # as phones save a photo: on its side, with a word on how to turn it
    with Image.open(samples / "collins.jpg") as photo:
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        photo.transpose(Image.Transpose.ROTATE_90).save(lying, quality=95, exif=exif)
    put(page, "#photo-a", samples / "obama_2009.jpg")
    put(page, "#photo-b", lying)
    page.locator(".face-box").nth(1).wait_for()
    for well, stem in (("#photo-a", "obama_2009"), ("#photo-b", "collins")):
        photo = page.locator(f"{well} img").bounding_box()
        shown = page.locator(f"{well} .face-box").bounding_box()
        face = sample_faces[stem]
        scale = photo["width"] / face.photo.pixels.shape[1]
        left, top, width, _ = (value * scale for value in face.box)
        assert shown["x"] - photo["x"] == pytest.approx(left, abs=2)
        assert shown["y"] - photo["y"] == pytest.approx(top, abs=2)
        assert shown["width"] == pytest.approx(width, abs=2)


def test_a_photo_is_pasted_and_dropped(visit: Visit, samples: Path) -> None:
    page = visit()
    page.evaluate(
        """(text) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }));
            dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer }));
            document.querySelector("#photo-b").dispatchEvent(
                new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        base64.b64encode((samples / "biden_2010.jpg").read_bytes()).decode(),
    )
    page.locator("#verdict").get_by_role("heading", name="The same person").wait_for()


def test_the_server_is_quoted(visit: Visit, samples: Path, tmp_path: Path) -> None:
    wall = tmp_path / "wall.png"
    Image.new("RGB", (300, 300), (120, 130, 140)).save(wall)
    page = visit()
    put(page, "#photo-a", samples / "collins.jpg")
    put(page, "#photo-b", wall)
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text().startswith("No face was found in the second photo.")
    assert "Request " in alert.inner_text()


def test_live_names_whom_it_knows_and_says_why(visit: Visit) -> None:
    page = visit("live")
    page.get_by_role("button", name="Start the camera").click()
    known = page.locator(".sighting[data-person='Barack Obama']")
    known.wait_for()
    page.locator(".sighting.unknown").wait_for()
    assert page.locator(".face-name").all_inner_texts()[-1] == "unknown"
    why = known.inner_text()
    assert re.search(r"Similarity\s+0\.\d{3} with Barack Obama", why)
    assert re.search(r"Threshold\s+0\.\d{3} for a gallery of 3 photos", why)
    assert re.search(r"Margin\s+0\.\d{3} ahead of Joe Biden; needs 0\.\d{3}", why)
    page.locator("body[data-live-p95]").wait_for()
    assert float(page.evaluate("document.body.dataset.liveP95")) > 0
    assert "frames a second" in page.inner_text("#live-rate")
    page.get_by_role("button", name="Stop").click()
    assert page.evaluate("document.querySelector('#live-video').srcObject") is None
    assert page.locator(".sighting").count() == 0


def test_a_wrong_name_is_told_by_keyboard_with_the_frame_that_was_shown(
    visit: Visit, folder: Path, model: Model, samples: Path
) -> None:
    with Gallery(f"sqlite:///{folder / 'people.db'}", "sface") as gallery:
        gallery.use(model)
        gallery.enrol("Eileen Collins", [samples / "collins.jpg"])  # the smaller face of the film
        page = visit("live", script=NOTE_PHOTOS)
        page.get_by_role("button", name="Start the camera").click()
        wrong = page.get_by_role("button", name="This is not Eileen Collins")
        wrong.focus()
        page.wait_for_timeout(600)  # its card is drawn anew meanwhile
        assert wrong.evaluate("button => button === document.activeElement")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Not Eileen Collins?")
        dialog.get_by_role("img").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text("Noted: this face is not called Eileen Collins again.").wait_for()
        page.locator(".sighting[data-person='Eileen Collins']").wait_for(state="detached")
        page.wait_for_timeout(1000)
        assert page.locator(".sighting[data-person='Eileen Collins']").count() == 0
        assert page.locator(".sighting[data-person='Barack Obama']").count() == 1
        assert "ruled out" in page.locator(".sighting.unknown").inner_text()
        assert page.evaluate(SENT_AGAIN) == 1
        gallery.forget("Eileen Collins")


@pytest.mark.parametrize(
    ("script", "words"),
    [(NO_CAMERA, "only over https"), (REFUSED, "may not use the camera")],
)
def test_without_a_camera_there_is_one_sentence(visit: Visit, script: str, words: str) -> None:
    page = visit("live", script=script)
    page.get_by_role("button", name="Start the camera").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert words in alert.inner_text()


def test_photos_are_matched_in_a_closed_and_in_an_open_set(visit: Visit, samples: Path) -> None:
    page = visit("match")
    put(page, "#references", samples / "obama_2010.jpg", samples / "biden_2010.jpg")
    put(page, "#onsite", samples / "collins.jpg", samples / "obama_2009.jpg")
    said = page.locator("#match-said")
    page.locator("#match-table table").wait_for()
    assert said.inner_text() == "2 of 2 photos named among 2 people (closed set)."
    assert page.locator("#links path").count() == 2
    page.select_option("[name=open_set]", "true")
    page.locator("#links path.nobody").wait_for()
    assert said.inner_text().startswith("1 of 2 photos named among 2 people, 1 nobody (open set")
    rows = page.locator("#match-table tbody tr").all_inner_texts()
    assert "nobody" in rows[0]
    assert "obama" in rows[1]


def test_somebody_is_enrolled_from_the_camera_and_forgotten(visit: Visit) -> None:
    page = visit("people")
    page.locator(".person").nth(1).wait_for()
    page.get_by_role("button", name="Enrol").click()
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    page.get_by_label("Consent").fill("told me so")
    page.get_by_label("Known until").fill("2099-12-31")
    page.get_by_text("More", exact=True).click()
    page.locator("dialog").get_by_label("Face in each photo").select_option("largest")
    page.locator("dialog").get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Take photo").click()
    page.get_by_role("button", name="Use 1 photo").click()
    page.locator("dialog").get_by_role("button", name="Enrol").click()
    page.get_by_text("Ada Lovelace: 1 photo enrolled.").wait_for()
    assert "until 31 Dec 2099" in page.locator(".person", has_text="Ada").inner_text()

    page.locator(".person", has_text="Ada").click()
    page.get_by_text("told me so").wait_for()
    page.get_by_role("button", name="Forget…").click()
    forget = page.get_by_role("button", name="Forget for ever")
    assert forget.is_disabled()
    page.get_by_label("Write Ada Lovelace to confirm").fill("Ada Lovelace")
    forget.click()
    page.get_by_text("Ada Lovelace is forgotten, with 1 photo.").wait_for()
    assert page.locator(".person", has_text="Ada").count() == 0
    assert page.locator("dialog").count() == 0


def test_an_expiry_is_set_and_taken_away(visit: Visit) -> None:
    page = visit("people")
    biden = page.locator(".person", has_text="Joe Biden")

    def edit() -> None:
        biden.click()
        page.get_by_role("button", name="Edit").click()

    edit()
    page.get_by_label("Known until").fill("2099-12-31")
    page.get_by_label("Consent").fill("by letter")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Joe Biden is saved.").wait_for()
    assert "until 31 Dec 2099" in biden.inner_text()
    edit()
    page.get_by_role("button", name="No end").click()
    page.get_by_role("button", name="Save").click()
    biden.locator(".badge").wait_for(state="detached")
    biden.click()
    page.get_by_text("they are forgotten").wait_for()
    assert "by letter" in page.get_by_role("dialog").inner_text()


def test_people_are_renamed_merged_found_and_checked(visit: Visit, samples: Path) -> None:
    page = visit("people")
    page.get_by_role("button", name="Enrol").click()
    page.get_by_label("Name", exact=True).fill("E. Collins")
    put(page, "dialog", samples / "collins.jpg")
    page.locator("dialog").get_by_role("button", name="Enrol").click()
    page.locator(".person", has_text="E. Collins").click()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Name", exact=True).fill("Eileen Collins")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Eileen Collins is saved.").wait_for()
    page.get_by_role("searchbox").fill("eil")
    assert page.locator(".person").count() == 1
    page.locator(".person").click()
    page.get_by_role("button", name="Merge into…").click()
    page.get_by_label("Who they are").fill("nobody at all")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_role("alert").wait_for()
    assert "nobody at all" in page.get_by_role("alert").inner_text()
    page.get_by_label("Who they are").fill("Joe Biden")
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("Eileen Collins is Joe Biden now, with 2 photos.").wait_for()
    page.get_by_role("button", name="Check the gallery").click()
    page.locator("#findings .notice").wait_for()


def test_models_and_runs_are_shown_with_their_reports(visit: Visit) -> None:
    page = visit("models")
    used = page.locator(".model.used")
    used.wait_for()
    assert "sface" in used.inner_text()
    assert "Apache-2.0" in used.inner_text()
    run = page.get_by_role("row", name="twins")
    assert "4,712,345 weights" in run.inner_text()
    page.get_by_role("button", name="Light or dark").click()  # to dark
    page.get_by_role("button", name="twins").click()
    report = page.frame_locator("iframe")
    report.get_by_role("heading", name="A report").wait_for()
    colour = "heading => getComputedStyle(heading).color"
    assert report.get_by_role("heading").evaluate(colour) == "rgb(1, 2, 3)"
    assert page.locator("iframe").get_attribute("sandbox") == ""  # no script runs in it


def test_the_token_leaves_the_address_and_a_wrong_one_is_asked_for_again(
    visit: Visit, address: str
) -> None:
    page = visit()
    assert address.split("token=")[1] not in page.url
    page.evaluate("sessionStorage.setItem('visavis-token', 'wrong')")
    page.reload()
    dialog = page.get_by_role("dialog", name="Access token")
    dialog.wait_for()
    page.get_by_label("Access token", exact=True).last.fill(address.split("token=")[1])
    page.keyboard.press("Enter")
    page.get_by_text("sface · ").wait_for()
    assert dialog.count() == 0


def test_everything_is_reached_by_keyboard(visit: Visit) -> None:
    page = visit()
    page.get_by_text("sface · ").wait_for()
    order = ["To the content", "visavis", "Compare", "Live", "Match", "People", "Models"]
    order += ["Access token", "Light or dark", "First photo: choose", "Camera"]
    order += ["Second photo: choose", "Camera", "Settings"]
    reached = []
    for _ in order:
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const { activeElement: focused } = document;
                const shown = focused.closest("label") ?? focused;
                return [focused.getAttribute("aria-label") ?? focused.innerText.trim(),
                        getComputedStyle(shown).outlineStyle];
            }"""
        )
        assert focused[1] != "none", focused
        reached.append(focused[0])
    assert reached == order
    page.get_by_role("link", name="People").focus()
    page.keyboard.press("Enter")
    page.locator("#people-title:focus").wait_for()
    assert page.title().startswith("People")


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_needs_no_sideways_scrolling(visit: Visit, samples: Path, view: str) -> None:
    page = visit(view, viewport={"width": 320, "height": 640}, has_touch=True)
    if view == "match":
        put(page, "#references", samples / "obama_2010.jpg", samples / "biden_2010.jpg")
        put(page, "#onsite", samples / "collins.jpg")
        page.locator("#match-table table").wait_for()
    if view == "live":
        page.evaluate(LONG_NAME)
    if view == "people":
        page.route("**/v1/people?*", lambda route: route.fulfill(json=LONG_PEOPLE))
        page.route("**/v1/gallery/check", lambda route: route.fulfill(json=LONG_FINDINGS))
        page.reload()
        page.get_by_role("button", name="Check the gallery").click()
        page.locator(".findings li").wait_for()
    page.wait_for_load_state("networkidle")
    wide = """() => [...document.querySelectorAll("main > :not([hidden]) *")]
        .filter((element) => !element.closest(".unseen, .window, .boxes, svg"))
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => element.outerHTML.slice(0, 80))"""
    assert page.evaluate(wide) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_light_or_dark_is_kept(visit: Visit) -> None:
    page = visit(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(background) != dark
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_no_photo_is_left_behind(visit: Visit, folder: Path, tmp_path: Path, samples: Path) -> None:
    large = tmp_path / "large.png"  # larger than what a server holds in memory by default
    with Image.open(samples / "collins.jpg") as photo:
        photo.resize((1500, 1500)).save(large, compress_level=1)
    assert large.stat().st_size > 2**20
    page = visit()
    put(page, "#photo-a", large)
    put(page, "#photo-b", samples / "collins.jpg")
    page.locator("#verdict").get_by_role("heading", name="The same person").wait_for()
    assert page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == [
        "visavis-token"
    ]
    for file in (file for file in folder.rglob("*") if file.is_file()):
        content = file.read_bytes()
        assert not any(magic in content for magic in PICTURES), file


def test_the_page_has_the_colours_of_the_reports() -> None:
    root = Path(__file__).parents[1] / "src" / "visavis"
    page = (root / "serving" / "page" / "base.css").read_text()
    for sheet in ("report.css", "run.css"):
        report = (root / "report" / "templates" / sheet).read_text()
        light, dark = report.split("@media (prefers-color-scheme: dark)", 1)
        for name, colour in re.findall(r"--([\w-]+): (#\w{6})", light):
            other = re.search(rf"--{name}: (#\w{{6}})", dark)
            if other:
                assert f"--{name}: light-dark({colour}, {other[1]})" in page
