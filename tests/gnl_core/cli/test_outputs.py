"""gnl score beside and among images: where it may write, and what remains intact if a file cannot be written."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.cli import main
from gnl_core.runs.folder import RunFolder

LONG = "x" * 251 + ".png"  # 255 bytes, the longest name that a file can have


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's images in data/, and a run on them in run/."""
    place = tmp_path_factory.mktemp("outputs")
    names = [
        *(f"train/good/{number}" for number in range(6)),
        "test/good/a",
        "test/good/b",
        "test/hole/a",
        "test/hole/b",
    ]
    for number, name in enumerate(names):
        file = place / "data" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((30, 40, 3), 20 * number, np.uint8)).save(file)
    settings = ["--dataset=folder", "--normal-class=good", f"--data-root={place / 'data'}", "--image-size=32"]
    fast = ["--epochs=1", "--detector=rd4ad", "--device=cpu"]
    assert main(["train", *settings, *fast, "--run", str(place / "run")]) == 0
    return place


@pytest.fixture
def place(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of both; commands are given in the folder of the images."""
    shutil.copytree(trained, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy" / "data")
    monkeypatch.setenv("GNL_DATA", str(tmp_path / "copy" / "data"))
    return tmp_path / "copy"


def score(place: Path, *flags: str) -> int:
    return main(["score", str(place / "run"), "--data-root", str(place / "data"), *flags])


def files_below(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("flags", [("--maps", "."), ("--maps", "test/maps"), ("--csv", "test/good/scores.csv")])
def test_an_output_among_the_images_is_refused_before_any_work(
    place: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...]
):
    before = files_below(place)
    assert score(place, *flags) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"gnl: {flags[0]} would be written to ")
    assert "is read as data; choose a path outside" in said.err
    assert files_below(place) == before


def test_maps_beside_the_images_leave_the_next_scoring_as_it_is(place: Path, capsys: pytest.CaptureFixture[str]):
    counts = []
    for _ in range(2):
        capsys.readouterr()
        assert score(place, "--maps", "maps", "--json") == 0
        measured = json.loads(capsys.readouterr().out)["domains"]["test"]
        counts.append((measured["n_normal"], measured["n_anomalous"]))
    assert counts == [(2, 2), (2, 2)]
    assert len(files_below(place / "data" / "maps")) == 4


def test_a_file_name_of_255_bytes_loses_neither_scores_nor_map(place: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copy("test/good/a.png", f"test/good/{LONG}")
    capsys.readouterr()
    assert score(place, "--maps", str(place / "maps"), "--csv", str(place / "scores.csv")) == 0
    assert capsys.readouterr().out.startswith("domain")
    maps = files_below(place / "maps")
    assert len(maps) == 5
    assert max(len(file.name) for file in maps) == 255
    assert len((place / "scores.csv").read_text().splitlines()) == 6


def test_images_that_differ_in_their_endings_have_a_map_each(place: Path):
    PIL.Image.open("test/good/a.png").save("test/good/a.jpg")
    assert score(place, "--maps", str(place / "maps")) == 0
    assert {file.name for file in (place / "maps/test/good").iterdir()} == {"a.png.png", "a.jpg.png", "b.png.png"}


def test_a_corruptions_maps_do_not_replace_those_of_the_images(place: Path):
    assert score(place, "--maps", str(place / "maps"), "--shift", "gaussian_noise:5") == 0
    assert len(files_below(place / "maps")) == 8
    pair = (place / "maps" / "test/good/a.png.png", place / "maps" / "gaussian_noise-5" / "test/good/a.png.png")
    assert pair[0].read_bytes() != pair[1].read_bytes()


def test_a_failed_write_is_reported_after_the_scores_and_loses_no_other_file(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (place / "maps" / "test" / "good").mkdir(parents=True)
    (place / "maps" / "test" / "good" / "a.png.png").mkdir()
    monkeypatch.setattr("gnl_core.cli.score.write_csv", fill_disk)
    capsys.readouterr()
    assert score(place, "--maps", str(place / "maps"), "--csv", str(place / "scores.csv")) == 2
    said = capsys.readouterr()
    assert said.out.startswith("domain")
    assert said.err.splitlines()[-1].startswith("gnl: cannot write 2 files, the first: ")
    assert len(files_below(place / "maps")) == 3
    assert json.loads((place / "run" / "report.json").read_text())["domains"]["test"]["n_normal"] == 2
    assert (place / "run" / "scores.parquet").exists()


def fill_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "command", ["score --csv", "follow --images=. --csv", "export --onnx", "adapt --images=. --output", "tune --output"]
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    trained_run: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
):
    monkeypatch.chdir(tmp_path)
    name, *flags = command.split()
    assert main([name, str(trained_run.path), *flags, "/dev/null"]) == 2
    assert capsys.readouterr().err == f"gnl: {flags[-1]} /dev/null is a device; choose the path of a file\n"
    assert Path("/dev/null").is_char_device()
    assert files_below(tmp_path) == set()


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--dataset=folder", "--normal-class=good", "--run=test/run"),
        ("compare", "--dataset=folder", "--normal-class=good", "--detector=rd4ad", "--output=train/x"),
        ("tune", "../run", "--output=test/preset.json"),
        ("export", "../run", "--onnx=test/good/x.onnx"),
        ("import", "../run/weights.safetensors", "--run=test/run"),
        ("data", "download", "mnist", "--data-root=test"),
        ("data", "build-mnist-m", "--photos=.", "--data-root=train/good"),
        ("data", "build-line", "--output=test/line"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_no_command_writes_among_the_images(place: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]):
    before = files_below(place)
    capsys.readouterr()
    assert main(list(command)) == 2
    assert "is read as data; choose a path outside" in capsys.readouterr().err
    assert files_below(place) == before


def test_training_reports_the_number_of_images_and_their_folder(place: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    shutil.copy("train/good/0.png", "test/good/copy.png")
    Path("test/good/notes.txt").write_text("x")
    settings = ["--dataset=folder", "--normal-class=good", "--epochs=1", "--detector=rd4ad", "--image-size=32"]
    assert main(["train", *settings, "--device=cpu", "--run", str(place / "second")]) == 0
    assert capsys.readouterr().err.splitlines()[1] == (
        "train: 6 images from train/good; skipped 1 file, first: test/good/notes.txt "
        "(not an image file by its suffix); 1 test image equals a training image: see gnl data check --dataset folder"
    )


def test_scoring_counts_test_images_that_equal_training_images(place: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copy("train/good/0.png", "test/good/copy.png")
    shutil.copy("train/good/1.png", "test/good/other.png")
    capsys.readouterr()
    assert score(place, "--domain", "test", "test+jpeg:3") == 0
    said = capsys.readouterr()
    assert "data: 2 test images equal a training image: see gnl data check --dataset folder" in said.err.splitlines()
    assert "test: 2 images equal a training image, so the metrics are too high; gnl data check lists them" in said.out
    measured = json.loads((place / "run" / "report.json").read_text())["domains"]
    assert {name: domain["n_equal_to_training"] for name, domain in measured.items()} == {"test": 2, "test+jpeg:3": 2}


def test_sound_images_are_scored_without_a_message(place: Path, capsys: pytest.CaptureFixture[str]):
    capsys.readouterr()
    assert score(place) == 0
    assert not [line for line in capsys.readouterr().err.splitlines() if line.startswith("data:")]
    measured = json.loads((place / "run" / "report.json").read_text())["domains"]["test"]
    assert measured["n_equal_to_training"] == 0
