from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.cli import main
from gnl_core.datasets import DATASETS


@pytest.fixture
def own_images(tmp_path: Path) -> Path:
    """Two normal images to train on, one normal and one scratched image to score."""
    for number, place in enumerate(("train/good/1", "train/good/2", "test/good/3", "test/scratch/ö 'q' 4")):
        file = tmp_path / f"{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((30, 40, 3), 60 * number, np.uint8)).save(file)
    return tmp_path


def test_missing_data_sets_are_listed_with_how_to_get_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", "list", "--data-root", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["datasets"]
    assert listed["digits"]["images"] == {"digits": 719, "digits_m": 719}
    assert listed["pacs"]["classes"] == []
    assert set(listed["pacs"]["images"].values()) == {None}
    assert "under the data root" in listed["pacs"]["how_to_get"]


def test_the_list_tells_licence_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", "list", "--data-root", str(tmp_path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[told.index("parts: " + DATASETS["parts"].summary) + 1] == "  licence: Apache-2.0"
    page = "www.mvtec.com/company/research/datasets/mvtec-ad"
    assert told[told.index("mvtec: " + DATASETS["mvtec"].summary) + 1] == f"  licence: CC BY-NC-SA 4.0; {page}"
    assert main(["data", "list", "--data-root", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["datasets"]
    assert {name: (facts["licence"], facts["page"]) for name, facts in listed.items()} == {
        name: (spec.licence, spec.page) for name, spec in DATASETS.items()
    }


def test_a_sound_folder_passes_the_check(own_images: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["data", "check", "--dataset", "folder", "--data-root", str(own_images)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "domain  label      images  size (HxW)  colours  masks",
        "train   normal          2  30x40       RGB          0",
        "test    normal          1  30x40       RGB          0",
        "test    anomalous       1  30x40       RGB          0",
        "read from: train, test",
        "4 images, no problems",
    ]


def test_all_broken_files_are_reported_at_once(own_images: Path, capsys: pytest.CaptureFixture[str]):
    for place in ("train/good/1.png", "test/good/3.png"):
        (own_images / place).write_bytes((own_images / place).read_bytes()[:60])
    assert main(["data", "check", "--dataset", "folder", "--data-root", str(own_images)]) == 2
    told = capsys.readouterr()
    assert [line.split("/")[-1][:5] for line in told.out.splitlines() if "truncated" in line] == ["1.png", "3.png"]
    assert "no problems" not in told.out
    assert told.err.startswith("gnl: 2 problems in 4 images")


def test_a_single_broken_file_is_one_problem(own_images: Path, capsys: pytest.CaptureFixture[str]):
    break_files(own_images, "1.png")
    assert main(["data", "check", "--dataset", "folder", "--data-root", str(own_images)]) == 2
    assert capsys.readouterr().err.startswith("gnl: 1 problem in 4 images")


def test_unlistable_folders_are_reported_beside_unreadable_files(own_images: Path, capsys: pytest.CaptureFixture[str]):
    (own_images / "test" / "stain").mkdir()
    break_files(own_images, "1.png", "2.png")
    assert main(["data", "check", "--dataset", "folder", "--data-root", str(own_images)]) == 2
    told = capsys.readouterr()
    places = [told.out.index(word) for word in ("no images in ", "1.png is truncated", "2.png is truncated")]
    assert places == sorted(places)
    assert told.err.startswith("gnl: 3 problems in 2 images")


def test_the_users_images_are_trained_on_and_scored(own_images: Path, capsys: pytest.CaptureFixture[str]):
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


def test_a_broken_training_image_stops_the_training_and_the_message_names_the_flag_that_skips_it(
    own_images: Path, capsys: pytest.CaptureFixture[str]
):
    break_files(own_images, "2.png")
    assert train_on(own_images) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("gnl: ")
    assert "2.png is truncated" in said
    assert said.endswith("replace it, or train without it: --skip-broken")
    assert not (own_images / "run").exists()


def test_with_skip_broken_a_broken_training_image_is_left_out_and_counted(
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


def test_broken_images_alone_cannot_be_trained_on(own_images: Path, capsys: pytest.CaptureFixture[str]):
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
    np.savez(tmp_path / "mnist" / "mnist.npz", x_train=255 - digits, y_train=classes, x_test=digits, y_test=classes)
    photos = tmp_path / "photos"
    photos.mkdir()
    PIL.Image.fromarray(generator.integers(0, 256, (40, 50, 3)).astype(np.uint8)).save(photos / "a.png")
    command = ["data", "build-mnist-m", "--photos", str(photos), "--data-root", str(tmp_path)]
    assert main(command) == 0
    assert main(["data", "check", "--dataset", "mnist", "--normal-class", "4", "--data-root", str(tmp_path)]) == 0
    assert main(command) == 2
    assert "already exists" in capsys.readouterr().err


def test_without_a_data_root_the_sentence_says_how_to_set_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("GNL_DATA", raising=False)
    assert main(["data", "check", "--dataset", "pacs"]) == 2
    assert "set GNL_DATA" in capsys.readouterr().err


def check(root: Path, *flags: str) -> int:
    return main(["data", "check", "--dataset", "folder", "--data-root", str(root), *flags])


def test_skipped_files_are_reported_by_reason_and_the_check_is_not_all_well(
    own_images: Path, capsys: pytest.CaptureFixture[str]
):
    (own_images / "test/good/.DS_Store").write_text("x")
    (own_images / "val").mkdir()
    shutil.copy(own_images / "train/good/1.png", own_images / "val/9.png")
    assert check(own_images) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "skipped 2 files:",
        "  1 x hidden, first: test/good/.DS_Store",
        "  1 x in a folder that is not read, first: val/9.png",
    ]


def test_test_images_equal_to_training_images_are_counted_and_refused(
    own_images: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copy(own_images / "train/good/2.png", own_images / "test/good/copy.png")
    PIL.Image.open(own_images / "train/good/1.png").save(own_images / "test/good/saved_again.bmp")
    assert check(own_images) == 2
    told = capsys.readouterr()
    assert told.out.splitlines()[-1] == (
        "test: 2 images equal a training image, the first: test/good/copy.png is train/good/2.png"
    )
    assert told.err.endswith(
        "2 test images equal a training image, so metrics would be too high; remove one of the two copies\n"
    )


def test_duplicate_training_images_are_reported_without_failing_the_check(
    own_images: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copy(own_images / "train/good/2.png", own_images / "train/good/7.png")
    assert check(own_images) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "train: 1 image equals another image of the domain, the first: train/good/7.png is train/good/2.png",
        "5 images, no problems",
    ]


def test_near_copies_are_searched_on_request(own_images: Path, capsys: pytest.CaptureFixture[str]):
    image = np.asarray(PIL.Image.open(own_images / "train/good/2.png")).copy()
    image[0, 0] += 1
    PIL.Image.fromarray(image).save(own_images / "test/good/near.png")
    assert check(own_images) == 0
    assert "no problems" in capsys.readouterr().out
    assert check(own_images, "--near-copies") == 0
    said = capsys.readouterr().out
    assert (
        "1 test image is nearly equal to a training image, the first: test/good/near.png and train/good/2.png" in said
    )
    assert "no problems" not in said


def test_sizes_colours_and_masks_are_in_the_table_and_in_json(own_images: Path, capsys: pytest.CaptureFixture[str]):
    PIL.Image.new("L", (50, 20)).save(own_images / "test/scratch/grey.png")
    (own_images / "ground_truth/scratch").mkdir(parents=True)
    PIL.Image.new("L", (50, 20), 255).save(own_images / "ground_truth/scratch/grey_mask.png")
    assert check(own_images, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"][2] == {
        "domain": "test",
        "label": "anomalous",
        "images": 2,
        "sizes": "20x50 - 30x40",
        "colours": "L 1, RGB 1",
        "masks": 1,
    }
    assert (told["read_from"], told["split"], told["problems"], told["near"]) == (["train", "test"], None, [], None)
    assert told["all_well"] is True


def test_the_split_is_named_by_list_and_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for number, name in enumerate(("dog", "horse")):
        (tmp_path / "pacs" / "photo" / name).mkdir(parents=True)
        for index in range(5):
            PIL.Image.new("L", (8, 8), 100 * number + index).save(tmp_path / "pacs" / "photo" / name / f"{index}.png")
    assert main(["data", "list", "--data-root", str(tmp_path)]) == 0
    assert "  read from: pacs/photo/dog, pacs/photo/horse\n  split: first 80 % by name\n" in capsys.readouterr().out
    for part, index in (("train", 4), ("crossval", 0)):
        lines = [f"photo/{name}/{index}.png 1" for name in ("dog", "horse")]
        (tmp_path / "pacs" / f"photo_{part}_kfold.txt").write_text("\n".join(lines))
    main(["data", "check", "--dataset", "pacs", "--data-root", str(tmp_path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["split"] == "official lists"
    assert {passed["reason"] for passed in told["passed_over"]} == {"not on any list of the split"}
    assert len(told["passed_over"]) == 6
