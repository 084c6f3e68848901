import errno
import hashlib
import io
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from generated_lfw import write_lfw
from visavis.data import prepare as preparing
from visavis.data.download import fetch
from visavis.data.known import KnownFile, KnownSet, known_sets
from visavis.data.prepare import prepare
from visavis.data.source import open_source
from visavis.errors import DataError

BODY = bytes(range(256)) * 4000  # about 1 MB: several chunks
HASH = hashlib.sha256(BODY).hexdigest()


class Server:
    """Serves ``files`` on 127.0.0.1 with byte ranges, and remembers what was asked."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.ranges: list[str | None] = []
        self.honour_ranges = True
        self.break_off: int | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{name}"

    def answer(self, request):
        self.ranges.append(request.headers["Range"])
        body = self.files.get(request.path[1:])
        if body is None:
            request.send_error(404, "Not Found")
            return
        start = 0
        if self.honour_ranges and request.headers["Range"]:
            start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        if start and start >= len(body):
            request.send_error(416, "Range Not Satisfiable")
            return
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        request.wfile.write(body[start : self.break_off])

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server():
    server = Server()
    server.files["file.bin"] = BODY
    yield server
    server.stop()


def test_a_download_is_whole_and_tells_its_progress(server, tmp_path):
    seen = []
    path = fetch(server.url("file.bin"), tmp_path / "x.bin", HASH, lambda *told: seen.append(told))
    assert path.read_bytes() == BODY
    assert [p.name for p in tmp_path.iterdir()] == ["x.bin"]
    assert seen[-1] == ("fetching x.bin", len(BODY), len(BODY))
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})
    fetch(server.url("file.bin"), tmp_path / "x.bin", HASH)
    assert len(server.ranges) == 1  # what is there is not fetched again


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.break_off = 300_000
    target = tmp_path / "x.bin"
    with pytest.raises(DataError, match=f"300000 of {len(BODY)} bytes.*run this again"):
        fetch(server.url("file.bin"), target, HASH)
    assert not target.exists()
    server.break_off = None
    fetch(server.url("file.bin"), target, HASH)
    assert target.read_bytes() == BODY
    assert server.ranges == [None, "bytes=300000-"]


@pytest.mark.parametrize("honoured", [True, False])
def test_a_part_is_used_only_where_the_server_agrees(server, tmp_path, honoured):
    server.honour_ranges = honoured
    (tmp_path / "x.bin.part").write_bytes(BODY[:1000])
    assert fetch(server.url("file.bin"), tmp_path / "x.bin", HASH).read_bytes() == BODY


def test_a_part_that_is_already_whole_needs_no_byte(server, tmp_path):
    (tmp_path / "x.bin.part").write_bytes(BODY)
    assert fetch(server.url("file.bin"), tmp_path / "x.bin", HASH).read_bytes() == BODY


def test_a_wrong_hash_is_thrown_away(server, tmp_path):
    with pytest.raises(DataError, match=f"its sha256 is {HASH}, not {'0' * 64}"):
        fetch(server.url("file.bin"), tmp_path / "x.bin", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_unwilling_server_is_one_sentence(server, tmp_path):
    with pytest.raises(DataError, match=r"/none answered 404 Not Found"):
        fetch(server.url("none"), tmp_path / "x.bin", HASH)
    url = server.url("file.bin")
    server.stop()
    with pytest.raises(DataError, match=r"cannot be fetched .*refused"):
        fetch(url, tmp_path / "x.bin", HASH)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_part(server, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "x.bin.part").write_bytes(BODY[:10])
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(DataError, match="the disk is full"):
        fetch(server.url("file.bin"), tmp_path / "x.bin", HASH)
    assert list(tmp_path.iterdir()) == []


def pack(folder: Path, archive: Path) -> Path:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(folder.rglob("*.*")):
                packed.write(path, path.relative_to(folder))
    else:
        with tarfile.open(archive, "w:gz") as packed:
            packed.add(folder, arcname=".")
    return archive


@pytest.fixture
def lfw_archive(tmp_path):
    write_lfw(tmp_path / "made")
    for text in (tmp_path / "made").glob("*.txt"):
        text.rename(tmp_path / text.name)
    return pack(tmp_path / "made", tmp_path / "lfw.tgz")


def test_lfw_from_an_archive_with_its_lists_beside(lfw_archive, tmp_path):
    seen = []
    target = tmp_path / "new" / "lfw"
    photos = prepare("lfw", target, lfw_archive, progress=lambda *told: seen.append(told))
    assert photos == target / "lfw-deepfunneled"
    assert seen[-1][1] == seen[-1][2] == lfw_archive.stat().st_size
    for view in (1, 2):
        assert open_source(str(target), view).name == "lfw"
    assert not (target / ".unpacking").exists()
    before = sorted(target.rglob("*"))
    assert prepare("lfw", target) == photos  # nothing is left to do
    assert sorted(target.rglob("*")) == before


def test_lists_that_are_missing_are_named_and_can_be_added(lfw_archive, tmp_path):
    (tmp_path / "pairs.txt").rename(tmp_path / "moved.txt")
    target = tmp_path / "lfw"
    with pytest.raises(DataError, match=r"unpacked, but pairs\.txt are missing.*--download"):
        prepare("lfw", target, lfw_archive)
    (tmp_path / "moved.txt").rename(target / "pairs.txt")
    assert prepare("lfw", target, lfw_archive).is_dir()


def test_lfw_is_fetched_and_opens(server, lfw_archive, tmp_path, monkeypatch):
    files = {name: (tmp_path / name).read_bytes() for name in ("pairs.txt", "pairsDevTest.txt")}
    files["pairsDevTrain.txt"] = (tmp_path / "pairsDevTrain.txt").read_bytes()
    files["lfw.tgz"] = lfw_archive.read_bytes()
    server.files = files
    known = {
        n: KnownFile(n, server.url(n), hashlib.sha256(b).hexdigest()) for n, b in files.items()
    }
    archive = known.pop("lfw.tgz")
    entry = KnownSet("LFW", "", "", ("lfw-deepfunneled",), archive, tuple(known.values()))
    monkeypatch.setattr(preparing, "known_sets", lambda: {"lfw": entry})

    target = tmp_path / "away" / "lfw"  # from the lists of people
    server.break_off = 100
    with pytest.raises(DataError, match="run this again"):
        prepare("lfw", target, download=True)
    server.break_off = None
    prepare("lfw", target, download=True)
    assert server.ranges[1] == "bytes=100-"
    source = open_source(str(target))
    assert "named in its pairs" in source.protocol
    assert not (target / "lfw.tgz").exists()


@pytest.mark.parametrize("around", ["att_faces", "."])
@pytest.mark.parametrize("suffix", [".zip", ".tgz"])
def test_att_with_and_without_a_folder_around(tmp_path, around, suffix):
    for person in range(1, 41):
        folder = tmp_path / "made" / around / f"s{person}"
        folder.mkdir(parents=True)
        for photo in range(1, 11):
            (folder / f"{photo}.pgm").touch()
    (tmp_path / "made" / "README.txt").touch()
    (tmp_path / "made" / "__MACOSX").mkdir()
    (tmp_path / "made" / "__MACOSX" / "._1.pgm").touch()
    archive = pack(tmp_path / "made", tmp_path / f"faces{suffix}")
    assert prepare("att", tmp_path / "att", archive) == tmp_path / "att" / "att_faces"
    assert [path.name for path in (tmp_path / "att").iterdir()] == ["att_faces"]
    assert len(open_source(str(tmp_path / "att")).faces) == 400


def evil_tar(archive: Path, name: str, link: str = "") -> None:
    with tarfile.open(archive, "w:gz") as packed:
        member = tarfile.TarInfo(name)
        if link:
            member.type, member.linkname = tarfile.SYMTYPE, link
        packed.addfile(member, io.BytesIO())


def evil_zip(archive: Path, name: str) -> None:
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("s1/1.pgm", "")
        packed.writestr(name, "")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: evil_tar(path, "../out.jpg"),
        lambda path: evil_tar(path, "a/1.jpg", link="/etc/passwd"),
        lambda path: evil_tar(path, "a/1.jpg", link="../../../out.jpg"),
        lambda path: evil_zip(path, "../out.jpg"),
        lambda path: evil_zip(path, "/out.jpg"),
        lambda path: evil_zip(path, "..\\out.jpg"),
        lambda path: evil_zip(path, "C:\\out.jpg"),
    ],
)
def test_an_archive_that_leads_out_is_refused(tmp_path, make):
    archive = tmp_path / "evil.tgz"
    make(archive)
    with pytest.raises(DataError, match=r"evil\.tgz is not safe to unpack"):
        prepare("att", tmp_path / "in", archive)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["evil.tgz", "in"]


@pytest.mark.parametrize("cut", [0, 1, 20, 0.5, -1, -8])
def test_a_truncated_archive_leaves_nothing(lfw_archive, tmp_path, cut):
    whole = lfw_archive.read_bytes()
    lfw_archive.write_bytes(whole[: int(cut * len(whole)) if isinstance(cut, float) else cut])
    with pytest.raises(DataError, match=r"lfw\.tgz is damaged"):
        prepare("lfw", tmp_path / "in", lfw_archive)
    assert list((tmp_path / "in").iterdir()) == []


def test_a_flipped_byte_is_noticed(lfw_archive, tmp_path):
    whole = bytearray(lfw_archive.read_bytes())
    whole[-6] ^= 1  # in gzip's checksum
    lfw_archive.write_bytes(whole)
    with pytest.raises(DataError, match=r"lfw\.tgz is damaged"):
        prepare("lfw", tmp_path / "in", lfw_archive)


def test_other_files_are_no_archive(tmp_path):
    (tmp_path / "text.tgz").write_text("hello")
    pack(write_lfw(tmp_path / "flat") / "Ada_A", tmp_path / "flat.zip")
    for name, says in [
        ("text.tgz", "damaged, truncated or no archive"),
        ("flat.zip", r"no photos laid out as person/photo\.jpg"),
        ("none.zip", r"none\.zip does not exist"),
        ("flat", "flat cannot be unpacked"),
    ]:
        with pytest.raises(DataError, match=says):
            prepare("att", tmp_path / "in", tmp_path / name)
    assert list((tmp_path / "in").iterdir()) == []


def test_a_full_disk_while_unpacking_leaves_nothing(lfw_archive, tmp_path, monkeypatch):
    extract, left = tarfile.TarFile.extract, iter(range(5))

    def until_full(*args, **options):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        extract(*args, **options)

    monkeypatch.setattr(tarfile.TarFile, "extract", until_full)
    with pytest.raises(DataError, match="in: the disk is full; free some space"):
        prepare("lfw", tmp_path / "in", lfw_archive)
    assert list((tmp_path / "in").iterdir()) == []


def test_the_leavings_of_a_killed_run_are_cleared(lfw_archive, tmp_path):
    leavings = tmp_path / "in" / ".unpacking" / "half"
    leavings.mkdir(parents=True)
    prepare("lfw", tmp_path / "in", lfw_archive)
    assert not leavings.exists()


def test_nothing_to_prepare_from_says_where_data_is(tmp_path):
    with pytest.raises(DataError, match=r"'celeba' is not a data set .* lfw, att"):
        prepare("celeba", tmp_path)
    with pytest.raises(DataError, match="--download"):
        prepare("lfw", tmp_path / "lfw")
    with pytest.raises(DataError, match="cam-orl"):
        prepare("att", tmp_path / "att", download=True)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file cannot be made"):
        prepare("lfw", tmp_path / "file")


def test_the_known_addresses_are_secure_and_hashed():
    lfw = known_sets()["lfw"]
    for file in (lfw.archive, *lfw.lists):
        assert file.url.startswith("https://")
        assert len(bytes.fromhex(file.sha256)) == 32
    assert {file.name for file in lfw.lists} == {
        *("pairsDevTrain.txt", "pairsDevTest.txt", "pairs.txt")
    }
