from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.cli import main


@pytest.fixture
def own_images(tmp_path: Path) -> Path:
    """Two normal images to train on, one normal and one scratched image to score."""
    for number, place in enumerate(("train/good/1", "train/good/2", "test/good/3", "test/scratch/ö 'q' 4")):
        file = tmp_path / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((30, 40, 3), 60 * number, np.uint8)).save(file)
    return tmp_path


def test_what_is_missing_is_listed_with_how_to_get_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", "list", "--data-root", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["datasets"]
    assert listed["digits"]["images"] == {"digits": 719, "digits_m": 719}
    assert listed["pacs"]["classes"] == []
    assert set(listed["pacs"]["images"].values()) == {None}
    assert "under the data root" in listed["pacs"]["how_to_get"]


def test_a_sound_folder_passes_the_check(own_images: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", "check", "--dataset", "folder", "--data-root", str(own_images)]) == 0
    assert capsys.readouterr().out == "4 images, all well\n"


def test_every_broken_file_is_told_at_once(own_images: Path, capsys: pytest.CaptureFixture[str]):
    for place in ("train/good/1.png", "test/good/3.png"):
        (own_images / place).write_bytes((own_images / place).read_bytes()[:60])
    assert main(["data", "check", "--dataset", "folder", "--data-root", str(own_images)]) == 2
    told = capsys.readouterr()
    assert [line.split("/")[-1][:5] for line in told.out.splitlines()] == ["1.png", "3.png"]
    assert told.err.startswith("gnl: 2 problems in 4 images")


def test_a_single_broken_file_is_one_problem(own_images: Path, capsys: pytest.CaptureFixture[str]):
    break_files(own_images, "1.png")
    assert main(["data", "check", "--dataset", "folder", "--data-root", str(own_images)]) == 2
    assert capsys.readouterr().err.startswith("gnl: 1 problem in 4 images")


def test_what_cannot_be_listed_is_told_beside_what_cannot_be_read(own_images: Path, capsys: pytest.CaptureFixture[str]):
    (own_images / "test" / "stain").mkdir()
    break_files(own_images, "1.png", "2.png")
    assert main(["data", "check", "--dataset", "folder", "--data-root", str(own_images)]) == 2
    told = capsys.readouterr()
    words = ["no images in ", "1.png is truncated", "2.png is truncated"]
    assert all(word in line for word, line in zip(words, told.out.splitlines(), strict=True))
    assert told.err.startswith("gnl: 3 problems in 2 images")


def test_ones_own_images_are_trained_on_and_scored(own_images: Path, capsys: pytest.CaptureFixture[str]):
    run, root = own_images / "run", str(own_images)
    settings = ["--dataset", "folder", "--normal-class", "good", "--data-root", root, "--image-size", "32"]
    assert main(["train", *settings, "--epochs", "1", "--device", "cpu", "--run", str(run)]) == 0
    capsys.readouterr()
    assert main(["score", str(run), "--json", "--shift", "jpeg:3"]) == 0
    measured = json.loads(capsys.readouterr().out)["domains"]
    assert {name: (found["n_normal"], found["n_anomalous"]) for name, found in measured.items()} == {
        "test": (1, 1),
        "test+jpeg:3": (1, 1),
    }


def train_on(root: Path, *flags: str) -> int:
    settings = ["--dataset", "folder", "--normal-class", "good", "--data-root", str(root), "--image-size", "32"]
    fast = ["--epochs", "1", "--detector", "rd4ad", "--device", "cpu", "--holdout-percent", "0"]
    return main(["train", *settings, *fast, "--run", str(root / "run"), *flags])


def break_files(root: Path, *names: str) -> None:
    for name in names:
        (root / "train" / "good" / name).write_bytes((root / "train" / "good" / name).read_bytes()[:60])


def test_a_broken_training_image_stops_the_training_with_the_flag_that_leaves_it_out(
    own_images: Path, capsys: pytest.CaptureFixture[str]
):
    break_files(own_images, "2.png")
    assert train_on(own_images) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("gnl: ")
    assert "2.png is truncated" in said
    assert said.endswith("replace it, or train without it: --skip-broken")
    assert not (own_images / "run").exists()


def test_a_broken_training_image_is_left_out_if_told_so_and_counted(
    own_images: Path, capsys: pytest.CaptureFixture[str]
):
    for number in (5, 6):
        shutil.copy(own_images / "train/good/1.png", own_images / f"train/good/{number}.png")
    break_files(own_images, "2.png")
    assert train_on(own_images, "--skip-broken") == 0
    (said,) = [line for line in capsys.readouterr().err.splitlines() if "left out" in line]
    assert "gnl: left out 1 of 4 training images that cannot be read; the first: " in said
    assert "2.png is truncated" in said
    assert main(["score", str(own_images / "run"), "--domain", "train", "test", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["domains"]["train"]["n_normal"] == 3


def test_images_all_of_which_are_broken_cannot_be_trained_on(own_images: Path, capsys: pytest.CaptureFixture[str]):
    break_files(own_images, "1.png", "2.png")
    assert train_on(own_images, "--skip-broken") == 2
    assert "gnl: none of 2 images can be read; the first: " in capsys.readouterr().err


def test_unlabelled_images_are_scored_without_an_auroc(own_images: Path, capsys: pytest.CaptureFixture[str]):
    for folder in ("good", "scratch"):
        for file in (own_images / "test" / folder).iterdir():
            file.rename(own_images / "test" / file.name)
        (own_images / "test" / folder).rmdir()
    run, root = own_images / "run", str(own_images)
    settings = ["--dataset", "folder", "--normal-class", "good", "--data-root", root, "--image-size", "32"]
    assert main(["train", *settings, "--epochs", "1", "--device", "cpu", "--run", str(run)]) == 0
    assert main(["score", str(run), "--json", "--csv", str(own_images / "scores.csv")]) == 0
    assert json.loads(capsys.readouterr().out)["domains"]["test"]["auroc"] is None
    assert len((own_images / "scores.csv").read_text().splitlines()) == 3


def test_mnist_m_is_built_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    generator = np.random.default_rng(0)
    (tmp_path / "mnist").mkdir()
    digits = generator.integers(0, 256, (12, 28, 28)).astype(np.uint8)
    classes = np.arange(12).astype(np.uint8) % 10
    np.savez(tmp_path / "mnist" / "mnist.npz", x_train=digits, y_train=classes, x_test=digits, y_test=classes)
    photos = tmp_path / "photos"
    photos.mkdir()
    PIL.Image.fromarray(generator.integers(0, 256, (40, 50, 3)).astype(np.uint8)).save(photos / "a.png")
    command = ["data", "build-mnist-m", "--photos", str(photos), "--data-root", str(tmp_path)]
    assert main(command) == 0
    assert main(["data", "check", "--dataset", "mnist", "--normal-class", "4", "--data-root", str(tmp_path)]) == 0
    assert main(command) == 2
    assert "already there" in capsys.readouterr().err


def test_without_a_data_root_the_sentence_says_how_to_set_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("GNL_DATA", raising=False)
    assert main(["data", "check", "--dataset", "pacs"]) == 2
    assert "set GNL_DATA" in capsys.readouterr().err
