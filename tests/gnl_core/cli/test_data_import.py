from __future__ import annotations

import json
from pathlib import Path

import pytest

from gnl_core.cli import main
from gnl_core.datasets import FOLDER, find_dataset, list_items, list_train_items
from tests.gnl_core.datasets.sources.making import (
    SQUARE,
    names_in,
    write_coco,
    write_image,
    write_images,
    write_labelme,
)

POLYGON = [[number for corner in SQUARE for number in corner]]


def make_labelme(source: Path) -> None:
    for number in range(8):
        write_image(source / f"data/{number}\n.png")
    for number in range(2):
        write_labelme(source / f"label/{number}.json", "pit", image=f"{number}\n.png")


def make_coco(source: Path) -> None:
    images = {f"{number}.png": [("rust", POLYGON)] if number < 2 else [] for number in range(8)}
    write_images(source, *images)
    write_coco(source / "result.json", images)


def make_anomalib(source: Path) -> None:
    write_images(source, *(f"good/{number}.png" for number in range(6)), "crack/6.png", "mask/crack/6.png")


def make_category(source: Path) -> None:
    write_images(
        source, "train/good/1.png", "train/good/2.png", "train/good/3.png", "test/good/1.png", "test/hole/1.png"
    )
    write_image(source / "ground_truth/hole/1_mask.png")


def make_photographs(source: Path) -> None:
    write_images(source, *(f"day{number // 4}/{number}.png" for number in range(12)))


def run(*arguments: object) -> int:
    return main(["data", *map(str, arguments)])


@pytest.mark.parametrize("make", [make_labelme, make_coco, make_anomalib, make_category, make_photographs])
def test_every_kind_of_source_can_be_checked_trained_and_scored(
    tmp_path: Path, make, capsys: pytest.CaptureFixture[str]
):
    source, output, folder = tmp_path / "source", tmp_path / "output", tmp_path / "run"
    make(source)
    assert run("import", source, "--output", output) == 0
    assert run("check", "--dataset", "folder", "--data-root", output, "--near-copies") == 0
    assert "no problems" in capsys.readouterr().out
    flags = ["--dataset", "folder", "--normal-class", "good", "--data-root", str(output), "--detector", "knn"]
    tiny = ["--image-size", "32", "--holdout-percent", "34", "--device", "cpu"]
    assert main(["train", *flags, *tiny, "--run", str(folder)]) == 0
    assert main(["score", str(folder)]) == 0


def test_it_says_what_was_taken_as_what_and_what_was_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, output = tmp_path / "source", tmp_path / "output"
    make_coco(source)
    write_image(source / "unlisted.png")
    assert run("import", source, "--output", output) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        f"read {source} as a COCO export",
        "left out 1 file:",
        "  1 x in no annotation file, first: unlisted.png",
        "part   domain           label  images  masks  groups",
        "train  in_distribution  good        5      0       5",
        "test   in_distribution  good        1      0       1",
        "test   in_distribution  rust        2      2       2",
        f"wrote {output}: 8 links, 0 copies, 2 masks, and sources.csv",
    ]
    assert "each image is a group of its own" in told.err
    assert f"next: gnl train --dataset folder --data-root {output} --normal-class good" in told.err


def test_the_same_seed_gives_the_same_split(tmp_path: Path):
    make_photographs(tmp_path / "source")
    lists = []
    for number, seed in enumerate((0, 0, 1)):
        output = tmp_path / str(number)
        assert run("split", tmp_path / "source", "--output", output, "--seed", seed) == 0
        lists.append((output / "sources.csv").read_text())
    assert lists[0] == lists[1] != lists[2]


@pytest.mark.parametrize("flags", [["--by-folder"], ["--by-name", r"^(\d)"], ["--by-csv", "CSV", "day"]])
def test_a_group_is_on_one_side(tmp_path: Path, flags: list[str]):
    source = tmp_path / "source"
    write_images(source, *(f"{label}/{n % 4}/{n % 4}_{n}.png" for n in range(16) for label in ("ok", "ng")))
    rows = [f"{n % 4}_{n}.png,{n % 4}" for n in range(16)]
    (tmp_path / "days.csv").write_text("\n".join(["path,day", *rows]))
    given = [str(tmp_path / "days.csv") if flag == "CSV" else flag for flag in flags]
    output = tmp_path / "output"
    assert run("split", source, "--output", output, *given, "--mixed-groups", "divide") == 0
    training = {Path(item.path).name[-6] for item in list_train_items(FOLDER, normal_class="good", root=output)}
    domain = find_dataset(FOLDER, output).domains[0]
    test = list_items(FOLDER, normal_class="good", domain=domain, root=output)
    assert {item.path.split("/")[-1].split("_")[0][-1] for item in test}.isdisjoint(training)


def test_near_copies_are_kept_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, output = tmp_path / "source", tmp_path / "output"
    for n in range(20):
        write_image(source / f"{n}.png", seed=n % 5)
    assert run("split", source, "--output", output, "--by-likeness") == 0
    assert "16" in capsys.readouterr().out
    assert run("check", "--dataset", "folder", "--data-root", output, "--near-copies") == 0


def test_shifted_images_are_a_domain_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, output = tmp_path / "source", tmp_path / "output"
    write_images(
        source,
        *(f"{kind}/{light}{n}.png" for kind in ("ok", "ng") for light in ("", "lamp_", "sun_") for n in range(5)),
    )
    for n in range(5):
        (source / f"ng/sun_{n}.png").unlink()
    assert run("split", source, "--output", output, "--shifted", "(lamp|sun)_") == 0
    assert find_dataset(FOLDER, output).domains == ("in_distribution", "lamp")
    assert {item.label for item in list_items(FOLDER, normal_class="good", domain="lamp", root=output)} == {0, 1}
    assert "left out 5 images of shifted domains" in capsys.readouterr().out


def test_a_division_of_the_source_is_kept_by_import_and_dropped_by_split(tmp_path: Path):
    source = tmp_path / "source"
    make_category(source)
    assert run("import", source, "--output", tmp_path / "kept") == 0
    assert len(names_in(tmp_path / "kept/train/good")) == 3
    assert run("split", source, "--output", tmp_path / "new", "--test-percent", "50") == 0
    assert len(names_in(tmp_path / "new/train/good")) == 2


def test_normal_training_images_are_kept_for_testing_where_the_source_has_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source, output = tmp_path / "source", tmp_path / "output"
    write_images(source, *(f"train/good/{n}.png" for n in range(10)), "test/hole/1.png", "test/dent/1.png")
    assert run("check", "--dataset", "folder", "--data-root", source) == 2
    assert "let gnl data import keep a share of the training images for testing" in capsys.readouterr().err
    assert run("import", source, "--output", output, "--test-percent", "30") == 0
    told = capsys.readouterr()
    assert [line.split()[:4] for line in told.out.splitlines()[2:4]] == [
        ["train", "in_distribution", "good", "7"],
        ["test", "in_distribution", "good", "3"],
    ]
    assert "a share of its normal training images is kept for testing" in told.err
    assert run("check", "--dataset", "folder", "--data-root", output) == 0


def test_what_becomes_of_splits_is_reported_where_they_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = tmp_path / "source"
    for split, annotated in (("train", [("pit", POLYGON)]), ("test", [])):
        write_images(source, *(f"{split}/{n}.png" for n in range(3)))
        write_coco(source / split / "_annotations.coco.json", {"0.png": annotated, "1.png": [], "2.png": []})
    assert run("import", source, "--output", tmp_path / "kept") == 0
    told = capsys.readouterr()
    assert "kept the splits of the source: train for training, test for testing" in told.err
    assert "1 image of the training split is annotated, so it is for testing" in told.err
    assert names_in(tmp_path / "kept/train/good") == ["1.png", "2.png"]
    assert run("split", source, "--output", tmp_path / "new") == 0
    assert "the splits of the source" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("make", "flags", "words"),
    [
        (make_category, ["--by-folder"], "is divided into training and test images already; leave out --by-folder"),
        (make_photographs, ["--shifted", "day"], "--shifted needs labelled images"),
        (make_photographs, ["--by-name", "("], "not a regular expression"),
        (make_photographs, ["--by-csv", "missing.csv", "day"], "there is no file missing.csv"),
        (make_photographs, ["--test-percent", "100"], "test_percent = '100'"),
        (make_photographs, ["--from", "coco"], "no annotation file of COCO"),
        (make_photographs, ["--from", "folder"], "name yours with --normal-label"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_writes_nothing(
    tmp_path: Path, make, flags: list[str], words: str, capsys: pytest.CaptureFixture[str]
):
    make(tmp_path / "source")
    assert run("import", tmp_path / "source", "--output", tmp_path / "output", *flags) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert names_in(tmp_path) == ["source"]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("source/output", "lies in"),
        ("source", "lies in"),
        ("", "holds files, such as 'file'"),
        ("file", "is a file"),
        ("loop", "lies in"),
    ],
)
def test_an_output_in_the_source_or_with_files_is_refused(
    tmp_path: Path, output: str, words: str, capsys: pytest.CaptureFixture[str]
):
    make_photographs(tmp_path / "source")
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "source")
    assert run("import", tmp_path / "source", "--output", tmp_path / output) == 2
    assert words in capsys.readouterr().err
    assert names_in(tmp_path) == ["file", "loop", "source"]


def test_a_label_file_cannot_take_files_from_outside_of_the_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = tmp_path / "source"
    write_image(tmp_path / "secret.png")
    make_coco(source)
    content = json.loads((source / "result.json").read_text())
    content["images"][0]["file_name"] = "../secret.png"
    (source / "result.json").write_text(json.dumps(content))
    assert run("import", source, "--output", tmp_path / "output") == 0
    assert "1 listed image is not there, the first: '../secret.png'" in capsys.readouterr().err
    assert "secret" not in (tmp_path / "output/sources.csv").read_text()
