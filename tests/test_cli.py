"""Every verb, run as the shell runs it: its words, its exit code, its files."""

import csv
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generated_faces import draw_face, write_lfw, write_people
from run_command import Ran, Run, runner

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
OBAMA, OBAMA_LATER = SAMPLES / "obama_2009.jpg", SAMPLES / "obama_2012.jpg"
BIDEN, COLLINS = SAMPLES / "biden_2010.jpg", SAMPLES / "collins.jpg"


run = pytest.fixture(runner)


def one_sentence(ran: Ran, *words: str) -> None:
    lines = ran.err.strip().splitlines()
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("visavis: ")
    assert "Traceback" not in ran.err
    for word in words:
        assert word in lines[0]


class TestVerify:
    def test_same_person(self, run: Run) -> None:
        ran = run("verify", OBAMA, OBAMA_LATER)
        assert ran.code == 0
        assert ran.out.startswith("Same person\n")
        assert "LFW View 1 devTrain" in ran.out

    def test_different_people(self, run: Run) -> None:
        ran = run("verify", OBAMA, COLLINS)
        assert ran.code == 1
        assert ran.out.startswith("Different people\n")

    def test_json(self, run: Run) -> None:
        ran = run("verify", OBAMA, OBAMA_LATER, "--json")
        assert ran.json["same"] is True
        assert ran.json["probability"] > 0.99
        assert ran.json["similarity"] >= ran.json["threshold"]
        assert ran.json["threshold_fmr"] == 1e-3
        assert [face["faces_in_photo"] for face in ran.json["faces"]] == [1, 1]

    def test_the_prior_moves_the_probability_not_the_decision(self, run: Run) -> None:
        even = run("verify", OBAMA, BIDEN, "--json").json
        rare = run("verify", OBAMA, BIDEN, "--prior", 0.001, "--json").json
        assert rare["probability"] < even["probability"]
        assert rare["same"] == even["same"]

    def test_a_threshold_of_the_caller(self, run: Run) -> None:
        assert run("verify", OBAMA, COLLINS, "--threshold", -1).code == 0

    def test_a_lower_rate_has_a_higher_threshold(self, run: Run) -> None:
        thresholds = [
            run("verify", OBAMA, BIDEN, "--fmr", rate, "--json").json["threshold"]
            for rate in ("1e-2", "1e-3", "1e-4", "1e-5", "1e-6")
        ]
        assert thresholds == sorted(thresholds)
        assert len(set(thresholds)) == 5

    def test_an_unsupported_rate_is_refused_with_the_number_it_needs(self, run: Run) -> None:
        ran = run("verify", OBAMA, BIDEN, "--fmr", "1e-7")
        assert ran.code == 2
        one_sentence(ran, "300,000,000", "1e-07")

    def test_save_draws_a_picture(self, run: Run, tmp_path: Path) -> None:
        assert run("verify", OBAMA, BIDEN, "--save", tmp_path / "why.png").code == 1
        with Image.open(tmp_path / "why.png") as picture:
            assert picture.width > 800

    def test_all_faces(self, run: Run, tmp_path: Path) -> None:
        crowd = tmp_path / "crowd.png"
        side_by_side(OBAMA_LATER, COLLINS).save(crowd)
        ran = run("verify", crowd, OBAMA, "--faces", "all", "--json")
        assert ran.code == 0
        assert sorted(verdict["same"] for verdict in ran.json["verdicts"]) == [False, True]
        assert run("verify", crowd, OBAMA, "--faces", "all").out.count("\n") == 3
        refused = run("verify", crowd, OBAMA, "--faces", "one")
        assert refused.code == 2
        one_sentence(refused, "2 faces", "crowd.png")
        assert "shows 2 faces" in run("verify", crowd, OBAMA).err

    def test_pairs(self, run: Run, tmp_path: Path) -> None:
        output = tmp_path / "verdicts.csv"
        ran = run("verify", "--pairs", SAMPLES / "pairs.csv", "-o", output)
        assert ran.code == 0
        with output.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        verdicts = [row["same"] == "same" for row in rows]
        assert all(0 < float(row["probability"]) < 1 for row in rows)  # nothing is certain
        with (SAMPLES / "pairs.csv").open(encoding="utf-8") as file:
            truth = [row["same"] == "1" for row in csv.DictReader(file)]
        assert verdicts == truth

    def test_pairs_with_a_bad_photo_are_skipped_not_fatal(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "text.jpg").write_text("hello")
        lines = [f"{OBAMA},{OBAMA_LATER}", f"{OBAMA},text.jpg", f"gone.jpg,{OBAMA}"]
        (tmp_path / "pairs.csv").write_text("first,second\n" + "\n".join(lines) + "\n")
        ran = run("verify", "--pairs", tmp_path / "pairs.csv", "--json")
        assert ran.code == 4
        assert [row["same"] for row in ran.json["verdicts"]] == ["same", "", ""]
        assert "text.jpg" in ran.err
        assert "gone.jpg" in ran.err

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((OBAMA,), "two photos"),
            ((), "two photos"),
            ((OBAMA, BIDEN, COLLINS), "two photos"),
            ((OBAMA, BIDEN, "--pairs", "x.csv"), "two photos"),
            ((OBAMA, BIDEN, "-o", "x.csv"), "--pairs"),
            ((OBAMA, BIDEN, "--model", "nonesuch"), "nonesuch"),
            ((OBAMA, BIDEN, "--save", "x.xyz"), "x.xyz"),
            (("--pairs", "gone.csv"), "gone.csv"),
        ],
    )
    def test_wrong_usage(self, run: Run, arguments: tuple[object, ...], words: str) -> None:
        ran = run("verify", *arguments)
        assert ran.code == 2
        one_sentence(ran, words)

    def test_wrong_options_exit_with_2(self, run: Run) -> None:
        assert run("verify", OBAMA, BIDEN, "--prior", "2").code == 2
        assert run("verify", OBAMA, BIDEN, "--faces", "best").code == 2
        assert run("nonesuch").code == 2


def side_by_side(*paths: Path) -> Image.Image:
    photos = [Image.open(path).convert("RGB").resize((400, 500)) for path in paths]
    crowd = Image.new("RGB", (400 * len(photos), 500))
    for i, photo in enumerate(photos):
        crowd.paste(photo, (400 * i, 0))
    return crowd


def bomb() -> bytes:
    """A PNG of a few hundred bytes that claims 50,000 x 50,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + body


class TestBadPhotos:
    """Each kind of bad photo, on either side, in each verb that opens photos."""

    @pytest.fixture
    def bad(self, tmp_path: Path) -> Path:
        (tmp_path / "empty.jpg").touch()
        (tmp_path / "text.jpg").write_text("this is no photo")
        (tmp_path / "truncated.jpg").write_bytes(OBAMA.read_bytes()[:20_000])
        (tmp_path / "bomb.png").write_bytes(bomb())
        (tmp_path / "folder.jpg").mkdir()
        Image.new("RGB", (300, 300), "teal").save(tmp_path / "nobody.png")
        return tmp_path

    @pytest.mark.parametrize(
        ("name", "code", "words"),
        [
            ("missing.jpg", 2, "does not exist"),
            ("empty.jpg", 2, "empty"),
            ("text.jpg", 2, "not an image"),
            ("truncated.jpg", 2, "truncated"),
            ("bomb.png", 2, "too many pixels"),
            ("folder.jpg", 2, "is a folder"),
            ("nobody.png", 3, "no face"),
        ],
    )
    def test_one_sentence_and_its_code(
        self, run: Run, bad: Path, name: str, code: int, words: str
    ) -> None:
        for arguments in (
            ("verify", OBAMA, bad / name),
            ("verify", bad / name, OBAMA),
            ("explain", OBAMA, bad / name, "--save", bad / "e.png"),
            *([] if name == "folder.jpg" else [("embed", bad / name, "-o", bad / "e.npz")]),
        ):
            ran = run(*arguments)
            assert ran.code == code, arguments
            assert words in ran.err
            assert name in ran.err
            assert "Traceback" not in ran.err
        assert not (bad / "e.png").exists()
        assert not (bad / "e.npz").exists()

    def test_an_address_is_never_fetched(self, run: Run) -> None:
        ran = run("verify", "https://127.0.0.1/a.jpg", OBAMA)
        assert ran.code == 2
        assert "fetches nothing" in ran.err or "does not exist" in ran.err

    def test_json_says_the_error_too(self, run: Run, bad: Path) -> None:
        ran = run("verify", OBAMA, bad / "nobody.png", "--json")
        assert ran.json["error"]["kind"] == "NoFaceError"

    def test_unicode_and_spaces_in_names(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "Łucja ☺ 照片.jpg"
        path.write_bytes(OBAMA.read_bytes())
        ran = run("verify", path, OBAMA_LATER)
        assert ran.code == 0
        assert path.name in ran.out


class TestEmbed:
    def test_photos_and_folders(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.jpg").write_bytes(OBAMA.read_bytes())
        (tmp_path / "in" / "bad.jpg").write_text("no")
        ran = run("embed", tmp_path / "in", BIDEN, "-o", tmp_path / "e.npz")
        assert ran.code == 4
        assert "bad.jpg" in ran.err
        with np.load(tmp_path / "e.npz") as saved:
            assert saved["embeddings"].shape == (2, 128)
            assert saved["embeddings"].dtype == np.float32
            assert list(saved["photos"]) == [str(tmp_path / "in" / "a.jpg"), str(BIDEN)]
            assert len(str(saved["fingerprint"])) == 64

    def test_nothing_to_embed_is_said_once(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_text("no")
        (tmp_path / "b.jpg").write_text("no")
        alone = run("embed", tmp_path / "a.jpg", "-o", tmp_path / "e.npz")
        assert alone.code == 2
        assert alone.err.count("a.jpg") == 1
        both = run("embed", tmp_path, "-o", tmp_path / "e.npz")
        assert both.code == 2
        assert both.err.strip().splitlines()[-1].startswith("visavis: none of 2 photos")

    def test_a_folder_without_photos(self, run: Run, tmp_path: Path) -> None:
        ran = run("embed", tmp_path)
        assert ran.code == 2
        one_sentence(ran, "holds no photos")


class TestExplain:
    def test_draws_both_maps(self, run: Run, tmp_path: Path) -> None:
        ran = run("explain", OBAMA, OBAMA_LATER, "--save", tmp_path / "e.png", "--json")
        assert ran.code == 0
        assert all(0 < share < 1 for share in ran.json["outside_shares"])
        assert (tmp_path / "e.png").stat().st_size > 10_000


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 drawn people, three photos each."""
    folder = tmp_path_factory.mktemp("people")
    write_people(folder, people=24, photos=3)
    return folder


class TestEvaluate:
    def test_samples(self, run: Run) -> None:
        ran = run("evaluate", "--data", f"csv:{SAMPLES / 'pairs.csv'}", "--json")
        assert ran.code == 0
        assert ran.json["figures"]["accuracy"]["value"] == 1.0
        assert ran.json["figures"]["n_genuine"] == 3
        assert "devTrain" in ran.json["figures"]["threshold_fitted_on"]

    def test_report_results_and_gate(self, run: Run, people: Path, tmp_path: Path) -> None:
        report, results = tmp_path / "r.html", tmp_path / "RESULTS.md"
        ran = run(
            "evaluate", "--data", f"folder:{people}", "--report", report, "--results", results,
            "--gate", "auc>=0.9",
        )  # fmt: skip
        assert ran.code == 0
        assert "Accuracy" in ran.out
        assert "<svg" in report.read_text(encoding="utf-8")
        assert "visavis evaluate" in results.read_text(encoding="utf-8")

    def test_a_gate_that_does_not_hold(self, run: Run, people: Path) -> None:
        ran = run("evaluate", "--data", f"folder:{people}", "--gate", "fmr<=0")
        assert ran.code == 1
        assert "fmr" in ran.err

    def test_groups_and_all_pairs(self, run: Run, people: Path, tmp_path: Path) -> None:
        names = sorted(path.name for path in people.iterdir())
        rows = [f"{name},{'even' if i % 2 else 'odd'}" for i, name in enumerate(names)]
        (tmp_path / "tags.csv").write_text("person,kind\n" + "\n".join(rows) + "\n")
        ran = run(
            "evaluate", "--data", f"folder:{people}", "--pairs", "all", "--fmr", "1e-3",
            "--by", "kind", "--tags", tmp_path / "tags.csv", "--json",
        )  # fmt: skip
        assert ran.code == 0
        assert ran.json["figures"]["n_impostor"] == 24 * 23 // 2 * 9
        assert {group["group"] for group in ran.json["groups"]} == {"odd", "even"}

    def test_lfw_views(self, run: Run, tmp_path: Path) -> None:
        write_lfw(tmp_path, people=40, photos=3)
        first = run("evaluate", "--data", f"lfw:{tmp_path}", "--view", 1, "--json")
        assert first.code == 0
        assert first.json["figures"]["threshold_fitted_on"] == "LFW View 1 devTrain"
        second = run("evaluate", "--data", f"lfw:{tmp_path}", "--view", 2, "--json")
        assert second.code == 0
        assert len(second.json["folds"]) == 10

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--data", "lfw:/nonesuch"), "/nonesuch"),
            (("--data", "what:ever"), "what"),
            (("--data", SAMPLES / "pairs.csv", "--gate", "beauty>1"), "beauty"),
            (("--data", SAMPLES / "pairs.csv", "--fmr", "0.1", "--threshold", "1"), "--fmr"),
            (("--data", SAMPLES / "pairs.csv", "--view", "1"), "view"),
        ],
    )
    def test_wrong_usage(self, run: Run, arguments: tuple[object, ...], words: str) -> None:
        ran = run("evaluate", *arguments)
        assert ran.code == 2
        one_sentence(ran, words)


class TestCalibrate:
    def test_the_folder_verifies_at_once(self, run: Run, people: Path, tmp_path: Path) -> None:
        model = tmp_path / "mine"
        ran = run("calibrate", "--data", people, "--fmr", "1e-1", "-o", model, "--json")
        assert ran.code == 0
        assert ran.json["threshold"]["comparisons"] == 24 * 23 // 2 * 9
        verdict = run("verify", OBAMA, COLLINS, "--model", model, "--fmr", "1e-1", "--json").json
        assert verdict["threshold"] == ran.json["threshold"]["value"]

    def test_too_few_comparisons_write_nothing(
        self, run: Run, people: Path, tmp_path: Path
    ) -> None:
        ran = run("calibrate", "--data", people, "--fmr", "1e-3", "-o", tmp_path / "mine")
        assert ran.code == 2
        one_sentence(ran, "30,000")
        assert not (tmp_path / "mine").exists()


class TestModels:
    def test_list_and_info(self, run: Run) -> None:
        assert "sface" in run("models").out
        assert run("models", "list", "--json").json["models"][0]["name"] == "sface"
        assert "LFW View 1 devTrain" in run("models", "info", "sface").out
        assert run("models", "info", "sface", "--json").json["embedding_size"] == 128

    def test_push_and_pull(self, run: Run, tmp_path: Path) -> None:
        assert run("models", "push", "sface", tmp_path / "m.zip").code == 0
        assert "card.json" in zipfile.ZipFile(tmp_path / "m.zip").namelist()
        assert run("models", "pull", tmp_path / "m.zip", tmp_path / "m").code == 0
        assert run("verify", OBAMA, OBAMA_LATER, "--model", tmp_path / "m").code == 0
        again = run("models", "pull", tmp_path / "m.zip", tmp_path / "m")
        assert again.code == 2
        one_sentence(again, "exists already")

    def test_a_damaged_model_is_refused(self, run: Run, tmp_path: Path) -> None:
        run("models", "pull", "sface", tmp_path / "m")
        encoder = tmp_path / "m" / "encoder.onnx"
        content = bytearray(encoder.read_bytes())
        content[1_000_000] ^= 1
        encoder.write_bytes(content)
        ran = run("verify", OBAMA, BIDEN, "--model", tmp_path / "m")
        assert ran.code == 2
        one_sentence(ran, "encoder.onnx", "damaged")


class TestData:
    def test_list(self, run: Run) -> None:
        assert "lfw" in run("data").out
        assert "lfw" in run("data", "list", "--json").json["data"]

    def test_info(self, run: Run, people: Path) -> None:
        ran = run("data", "info", people, "--json")
        assert ran.json["n_people"] == 24
        assert ran.json["n_photos"] == 72
        assert "24 people" in run("data", "info", people).out

    def test_prepare(self, run: Run, tmp_path: Path) -> None:
        archive = tmp_path / "att.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            for person in range(1, 41):
                for photo in range(1, 11):
                    packed.writestr(f"att_faces/s{person}/{photo}.pgm", b"P5 1 1 255\n\0")
        ran = run("data", "prepare", "att", "--archive", archive, "--to", tmp_path / "att")
        assert ran.code == 0
        assert run("data", "info", f"att:{tmp_path / 'att'}", "--json").json["n_people"] == 40


def test_doctor(run: Run) -> None:
    ran = run("doctor", "--json")
    assert ran.code == 0
    checks = ran.json["checks"]
    assert all(check["good"] for check in checks)
    assert {"gallery decrypt", "gallery search", "API"} <= {check["name"] for check in checks}
    assert "runtimes agree" in run("doctor").out


def test_version_and_help(run: Run) -> None:
    assert run("--version").out.startswith("visavis 0.")
    assert "verify" in run("--help").out


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_interrupted_exits_with_130(tmp_path: Path) -> None:
    draw_face(0, 0).save(tmp_path / "0.png")
    for i in range(1, 2000):
        (tmp_path / f"{i}.png").hardlink_to(tmp_path / "0.png")
    command = [sys.executable, "-m", "visavis", "embed", tmp_path, "-o", tmp_path / "e.npz"]

    def heed() -> None:  # a shell starts what runs in its background deaf to interrupts
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=heed) as process:  # noqa: PLW1509
        assert process.stderr
        assert b"embedding photos" in process.stderr.readline()  # it is in the middle of it
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert not (tmp_path / "e.npz").exists()


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m visavis models info sface --json | head -c 10"
    ran = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert ran.returncode == 0
    assert ran.stderr == b""


RECIPE = """
name = "tiny"
precision = "fp32"
loss = [{ kind = "triplet" }]
[data]
validation = 0.3
test = 0.3
[crop]
width = 48
height = 48
colour = "grey"
template = "arcface"
[net]
backbone = "small"
embedding = 16
options = { filters = 8, units = 32, dropout = 0.0 }
[schedule]
epochs = 2
steps = 3
monitor = "auc"
[batch]
people = 6
photos = 3
"""


class TestTrain:
    @pytest.fixture
    def recipe(self, tmp_path: Path) -> Path:
        (tmp_path / "tiny.toml").write_text(RECIPE)
        return tmp_path / "tiny.toml"

    def test_train_verify_compare(
        self, run: Run, people: Path, recipe: Path, tmp_path: Path
    ) -> None:
        for name in ("one", "two"):
            ran = run(
                "train", recipe, "--data", f"folder:{people}", "-o", tmp_path / name, "--json"
            )
            assert ran.code == 0, ran.err
            assert 0 <= ran.json["figures"]["auc"]["value"] <= 1
        page = (tmp_path / "one" / "report.html").read_text(encoding="utf-8")
        assert "tiny" in page
        assert "http" not in page.replace("http-equiv", "")
        verdict = run(
            "verify", OBAMA, COLLINS, "--model", tmp_path / "one" / "model", "--threshold", -1
        )
        assert verdict.code == 0
        compared = run("compare", tmp_path / "one", tmp_path / "two", "--json")
        assert compared.code == 0
        assert compared.json
        report = tmp_path / "compare.html"
        assert run("compare", tmp_path / "one", tmp_path / "two", "--report", report).code == 0
        assert "tiny" in report.read_text(encoding="utf-8")

    def test_wrong_usage(self, run: Run, people: Path, recipe: Path, tmp_path: Path) -> None:
        data = ("--data", f"folder:{people}", "-o", tmp_path / "run")
        one_sentence(run("train", "nonesuch", *data), "nonesuch")
        one_sentence(run("train", recipe, *data, "--budget", "soon"), "soon")
        recipe.write_text(RECIPE + "colour = 3\n")
        ran = run("train", recipe, *data)
        assert ran.code == 2
        one_sentence(ran, "batch.colour", "is no key")
        assert not (tmp_path / "run").exists()
