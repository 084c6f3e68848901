"""Who is seen in a video: faces followed, put together, and searched for once each."""

from __future__ import annotations

import socket
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from generated_gallery import PlantedModel, embedding_of, planted_face
from visavis.errors import NoFaceError, PhotoError
from visavis.matching.gallery import video as videos
from visavis.matching.gallery.gallery import Gallery
from visavis.matching.tracks import Tracker, mean_of
from visavis.models.embed import EmbeddedPhoto
from visavis.photos.photo import Photo
from visavis.photos.video import Video

SIZE = (320, 240)


def write_video(path: Path, frames: list[np.ndarray], fps: int = 10) -> Path:
    """RGB frames as an AVI of JPEGs."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def grey(value: int) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), value, np.uint8)


class TestFrames:
    @pytest.fixture
    def ten_a_second(self, tmp_path):
        return write_video(tmp_path / "grey.avi", [grey(8 * i) for i in range(20)])

    @pytest.mark.parametrize(
        ("fps", "shown"), [(5, range(0, 20, 2)), (10, range(20)), (50, range(20)), (1, (0, 10))]
    )
    def test_some_of_each_second(self, ten_a_second, fps, shown):
        with Video(ten_a_second) as video:
            frames = list(video.frames(fps))
            assert video.seconds == pytest.approx(2)
            assert not video.cut_short
            assert video.step(fps) == max(1 / fps, 0.1)
        assert [frame.at for frame in frames] == pytest.approx([i / 10 for i in shown])
        brightness = [int(frame.photo.pixels.mean() / 8 + 0.5) for frame in frames]
        assert brightness == list(shown)
        assert frames[0].photo.origin == f"{ten_a_second} at 0.0 s"

    def test_colours_are_rgb(self, tmp_path):
        red = np.zeros((240, 320, 3), np.uint8)
        red[..., 0] = 250
        with Video(write_video(tmp_path / "red.avi", [red])) as video:
            (frame,) = video.frames(5)
        assert frame.photo.pixels[100, 100, 0] > 200
        assert frame.photo.pixels[100, 100, 2] < 50

    def test_one_that_ends_early_says_so(self, tmp_path):
        whole = write_video(tmp_path / "whole.avi", [grey(8 * i) for i in range(30)])
        cut = tmp_path / "cut.avi"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        with Video(cut) as video:
            frames = list(video.frames(10))
            assert video.cut_short
        assert 5 < len(frames) < 20

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "is empty"),
            (b"hello" * 100, "is not a video that can be read"),
            (None, "does not exist"),
            ("folder", "is a folder, not a video"),
        ],
    )
    def test_what_is_no_video(self, tmp_path, capfd, content, words):
        path = tmp_path / "clip.mp4"
        if content == "folder":
            path.mkdir()
        elif content is not None:
            path.write_bytes(content)
        with pytest.raises(PhotoError, match=words):
            Video(path)
        assert capfd.readouterr().err == ""  # neither OpenCV nor FFmpeg adds words of its own

    @pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".ts"])
    def test_nothing_is_fetched(self, tmp_path, suffix):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.2)
            address = f"http://127.0.0.1:{server.getsockname()[1]}/part.ts"
            playlist = tmp_path / f"list{suffix}"
            playlist.write_text(
                f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n"
            )
            with pytest.raises(PhotoError), Video(playlist) as video:
                list(video.frames(5))
            with pytest.raises(TimeoutError):
                server.accept()


@cache
def planted() -> PlantedModel:
    return PlantedModel()


def follow(*looks, step=0.2):
    """A tracker that has seen, at each time, faces given as person, number and left edge."""
    tracker = Tracker(planted(), step)
    for at, *faces in looks:
        seen = [replace(planted_face(p, n), box=(left, 20.0, 72.0, 90.0)) for p, n, left in faces]
        rows = [embedding_of(face.photo.origin) for face in seen]
        tracker.add(at, seen, np.array(rows, dtype=np.float32).reshape(-1, 64))
    return tracker


class TestTracks:
    def test_one_face_that_moves(self):
        tracker = follow(*((i / 5, (0, i, 10.0 * i)) for i in range(10)))
        (track,) = tracker.tracks
        assert track.times == [i / 5 for i in range(10)]

    def test_a_cut_to_somebody_else_in_the_same_place(self):
        tracker = follow((0, (0, 0, 50)), (0.2, (1, 0, 50)), (0.4, (1, 1, 50)))
        assert [track.times for track in tracker.tracks] == [[0], [0.2, 0.4]]
        assert len(tracker.people()) == 2

    def test_two_who_change_places(self):
        tracker = follow((0, (0, 0, 0), (1, 0, 200)), (0.2, (0, 1, 200), (1, 1, 0)))
        assert [track.times for track in tracker.tracks] == [[0, 0.2], [0, 0.2]]

    def test_one_face_never_counts_twice_in_a_frame(self):
        tracker = follow((0, (0, 0, 0)), (0.2, (0, 1, 0), (0, 2, 200)))
        assert [track.times for track in tracker.tracks] == [[0, 0.2], [0.2]]

    def test_who_comes_back_is_the_same_person_in_another_track(self):
        tracker = follow((0, (0, 0, 0)), (0.2,), (9, (0, 1, 200)), (9.2, (1, 0, 0)))
        assert [track.times for track in tracker.tracks] == [[0], [9], [9.2]]
        people = [[track.times for track in tracks] for tracks in tracker.people()]
        assert people == [[[0], [9]], [[9.2]]]

    def test_who_is_hidden_for_a_moment_stays_in_the_track(self):
        tracker = follow((0, (0, 0, 0)), (0.2,), (0.4,), (0.6, (0, 1, 10)))
        assert len(tracker.tracks) == 1

    def test_the_mean_is_of_good_views(self):
        model = planted()
        tracker = Tracker(model, 0.2)
        good, flat = planted_face(0, 0), Photo(np.full((112, 112, 3), 90, np.uint8), "0-1.jpg")
        weak = replace(planted_face(0, 1), photo=flat)
        for at, face in enumerate((good, weak)):
            tracker.add(at, [face], model.encode([face]))
        (track,) = tracker.tracks
        np.testing.assert_allclose(mean_of(model, [track])[0], embedding_of("0-0.jpg"), rtol=1e-5)
        assert track.best.sharpness == good.sharpness
        assert track.best.photo.pixels.size == 0  # many tracks are kept, their photos are not

    def test_the_mean_of_weak_views_where_there_are_no_others(self):
        tracker = follow((0, (0, 0, 0)), (0.2, (0, 1, 0)))
        mean = mean_of(tracker.model, tracker.tracks)[0]
        expected = embedding_of("0-0.jpg") + embedding_of("0-1.jpg")
        np.testing.assert_allclose(mean, expected / np.linalg.norm(expected), rtol=1e-5)

    def test_nobody(self):
        assert follow((0,), (0.2,)).people() == []


class TestSearch:
    """The walk from frames to rows, with faces that are planted instead of found."""

    @pytest.fixture
    def gallery(self, tmp_path):
        with Gallery(tmp_path / "people.db", planted()) as made:
            for name, person in (("Ada", 0), ("Bea", 1)):
                made.enrol(name, [planted_face(person, number) for number in range(90, 93)])
            yield made

    @pytest.fixture
    def search(self, gallery, tmp_path, monkeypatch):
        def run(looks, **options):
            path = write_video(tmp_path / "clip.avi", [grey(i) for i in range(len(looks))], 5)
            walked = iter(looks)

            def walk(model, photos, choose):
                assert choose == "all"
                for photo in photos:
                    faces = [planted_face(*face) for face in next(walked)]
                    rows = np.array([embedding_of(f.photo.origin) for f in faces]).reshape(-1, 64)
                    yield EmbeddedPhoto(photo, faces, rows.astype(np.float32), len(faces))

            monkeypatch.setattr(videos, "embed_photos", walk)
            return gallery.identify_video(path, **options)

        return run

    def test_a_row_for_each_person(self, search, gallery):
        looks = [[(7, 0)]] * 3 + [[(0, i)] for i in range(10)] + [[]] * 15 + [[(0, 11), (8, 0)]] * 2
        searched = search(looks)
        assert searched
        assert [person.label for person in searched.people] == ["unknown 1", "Ada", "unknown 2"]
        stranger, ada, _ = searched.people
        assert (stranger.name, ada.name) == (None, "Ada")
        assert (ada.first, ada.last) == pytest.approx((0.6, 5.8))
        assert ada.seconds == pytest.approx(12 / 5)
        assert ada.appearances == [pytest.approx((0.6, 2.4)), pytest.approx((5.6, 5.8))]
        assert ada.similarity == ada.answer.candidates[0].similarity
        assert "Ada's similarity" in ada.answer.why
        assert searched.frames == len(looks)
        plain = searched.as_dict()
        assert plain["people"][1]["person"] == "Ada"
        assert plain["people"][1]["appearances"] == [[0.6, 2.4], [5.6, 5.8]]
        # One search a person, however many frames.
        searches = [event for event in gallery.events() if event.what == "identified"]
        assert sum(event.photos for event in searches) == 3

    def test_only_strangers(self, search):
        assert not search([[(7, 0)], [(7, 1)]])

    def test_nobody(self, search):
        with pytest.raises(NoFaceError, match=r"no face was found in .*clip.avi, in none of 3"):
            search([[], [], []])

    def test_one_name_is_one_row(self, search, monkeypatch):
        # Whatever the grouping makes of the views, nobody is listed twice under one name.
        monkeypatch.setattr(
            Tracker, "people", lambda tracker: [[track] for track in tracker.tracks]
        )
        searched = search([[(0, 0)]] + [[]] * 20 + [[(0, 1)]])
        (ada,) = searched.people
        assert len(ada.times) == 2

    def test_few_frames_are_in_memory(self, gallery, tmp_path, monkeypatch):
        at_once = []

        def none(model, photos, choose):
            at_once.append(len(photos))
            return [EmbeddedPhoto(p, [], np.empty((0, 64), np.float32), 0) for p in photos]

        monkeypatch.setattr(videos, "embed_photos", none)
        monkeypatch.setattr(videos, "PIXELS_AT_ONCE", 4 * SIZE[0] * SIZE[1])
        path = write_video(tmp_path / "clip.avi", [grey(0)] * 10, 5)
        with pytest.raises(NoFaceError):
            gallery.identify_video(path)
        assert at_once == [4, 4, 2]

    def test_progress(self, search):
        told = []
        search([[(0, 0)]] * 3, progress=lambda *news: told.append(news))
        assert told == [("looking at frames", done, 3) for done in (1, 2, 3)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory, samples):
    """Obama from left to right, then Biden in his place, then nobody."""
    frames = []
    for name, count in (("obama_2012", 6), ("biden_2010", 4), (None, 2)):
        for i in range(count):
            frame = np.full((320, 480, 3), 90, np.uint8)
            if name:
                with Image.open(samples / f"{name}.jpg") as picture:
                    frame[:300, 20 * i : 240 + 20 * i] = np.asarray(picture.resize((240, 300)))
            frames.append(frame)
    return write_video(tmp_path_factory.mktemp("clip") / "door.avi", frames, 4)


class TestCommand:
    @pytest.fixture
    def run(self, monkeypatch, capfd, tmp_path, model, samples):
        from run_command import runner

        monkeypatch.chdir(tmp_path)
        with Gallery("people.db", model) as made:
            made.enrol("Obama", [samples / "obama_2009.jpg", samples / "obama_2010.jpg"])
        return runner(monkeypatch, capfd)

    def test_who_and_when(self, run, clip):
        ran = run("identify", clip)
        assert ran.code == 0
        header, *rows = (line.split("\t") for line in ran.out.splitlines())
        assert header == ["person", "first", "last", "seconds", "frames", "similarity", "why"]
        assert [row[:5] for row in rows] == [
            ["Obama", "0:00.0", "0:01.2", "1.5", "6"],
            ["unknown 1", "0:01.5", "0:02.2", "1.0", "4"],
        ]
        assert "reaches 0." in rows[0][6]
        plain = run("identify", clip, "--json", "--fps", 2).json
        assert [person["label"] for person in plain["people"]] == ["Obama", "unknown 1"]
        assert [person["frames"] for person in plain["people"]] == [3, 2]

    def test_what_is_missing_is_told(self, run, clip):
        Path("cut.avi").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
        ran = run("identify", "cut.avi")
        assert ran.code == 4
        assert ran.out.splitlines()[1].startswith("Obama\t")
        assert "warning: cut.avi ends after " in ran.err

    @pytest.mark.parametrize(
        ("name", "code", "words"),
        [
            ("gone.mp4", 2, "gone.mp4 does not exist"),
            ("text.mp4", 2, "text.mp4 is not a video that can be read"),
            ("black.avi", 3, "no face was found in black.avi"),
        ],
    )
    def test_bad_input(self, run, name, code, words):
        Path("text.mp4").write_text("hello" * 100)
        write_video(Path("black.avi"), [grey(0)] * 2)
        ran = run("identify", name)
        assert ran.code == code
        ran.one_sentence(words)

    def test_a_video_and_photos(self, run, clip, samples):
        ran = run("identify", clip, samples / "collins.jpg")
        assert ran.code == 2
        ran.one_sentence("door.avi is a video; give one video by itself")
